"""The life of a suggestion, from the record to the workload that was seen to work with it."""

import asyncio
from typing import Any

import msgspec
import yaml
from msgspec import UNSET
from msgspec.structs import replace

from leadline.api.kinds.profiles import ApplicationProfile, NetworkNeighborhood
from leadline.api.kinds.suggestions import Approval, Suggestion
from leadline.api.protocol import Content, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.api.stored import Reader, metadata_of
from leadline.model.container import Container
from leadline.model.profile import OpenedFile, Peer, Profile
from leadline.model.resource import resource_of
from leadline.scans.rehearsing.target import RehearsalTarget
from leadline.scans.stored.behaviour import PROFILES, profile_name, store_profile
from leadline.scans.suggesting.keeping import SUGGESTIONS, keep_behaviour
from memory_store import MemoryStore

CLUSTER = """
apiVersion: v1
kind: Service
metadata: {name: db, namespace: shop}
spec: {clusterIP: 10.96.0.10, selector: {app: db}, ports: [{port: 80, targetPort: 5432}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db-0, namespace: shop, labels: {app: db}}
spec: {containers: [{name: db, image: db}]}
status: {podIP: 10.0.0.9, phase: Running}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {kubernetes.io/metadata.name: shop}}
"""
KEY = Key(SUGGESTIONS, "shop", "deployment-web")
_suggestion = Reader(Suggestion)


def deployment(**context: Any) -> dict[str, Any]:
    container: dict[str, Any] = {"name": "web", "image": "web:1"}
    if context:
        container["securityContext"] = context
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }


def pod(revision: str) -> dict[str, Any]:
    labels = {"app": "web", "pod-template-hash": revision}
    owners = [{"kind": "ReplicaSet", "name": f"web-{revision}", "controller": True}]
    metadata = {
        "name": f"web-{revision}-abcde",
        "namespace": "shop",
        "labels": labels,
        "ownerReferences": owners,
    }
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}
    return {**body, "spec": {"containers": [{"name": "web"}]}, "status": {"podIP": "10.0.0.7"}}


def target(
    *more: dict[str, Any], web: dict[str, Any] | None = None, revision: str = "5d4f"
) -> RehearsalTarget:
    bodies = [*yaml.safe_load_all(CLUSTER), web or deployment(), *more]
    found = [resource_of(body) for body in bodies]
    pods = (*(one for one in found if one.kind == "Pod"), resource_of(pod(revision)))
    return RehearsalTarget(tuple(one for one in found if one.kind != "Pod"), pods, ())


def profile(revision: str = "5d4f", **more: Any) -> Profile:
    labels = (("app", "web"), ("pod-template-hash", revision))
    container = Container(
        f"of-{revision}", "web", "web:1", namespace="shop", workload_kind="Deployment", workload="web",
        revision=revision, labels=labels,
    )  # fmt: skip
    made = Profile(
        container, "complete", (), opened=(OpenedFile("/etc/x", ("O_RDONLY",)),), syscalls=("read",), users=(0,),
        peers=(Peer("connects", "10.96.0.10", 80, "TCP"),), since_s=1000.0, until_s=2000.0,
    )  # fmt: skip
    return replace(made, **more)


class Round:
    def __init__(self) -> None:
        self.store = MemoryStore()
        self.number = 0

    def learn(self, *profiles: Profile) -> None:
        for one in profiles:
            asyncio.run(store_profile(self.store, one, 500.0, 2000.0))

    def keep(self, cluster: RehearsalTarget) -> Suggestion | None:
        self.number += 1
        kept = asyncio.run(keep_behaviour(self.store, cluster, f"2026-01-01T00:0{self.number}:00Z"))
        assert kept.problems == ()
        return self.suggestion()

    def suggestion(self) -> Suggestion | None:
        entry = asyncio.run(self.store.get(KEY))
        return _suggestion(entry) if entry else None

    def approve(self, digest: str) -> None:
        """As the server does for a person."""
        entry = asyncio.run(self.store.get(KEY))
        assert entry is not None
        there = _suggestion(entry)
        status = replace(there.status, approval=Approval("ann", "2026-01-01T00:00:30Z", digest))
        body = msgspec.json.encode({"spec": replace(there.spec, approve=digest), "status": status})
        asyncio.run(self.store.put(Put(KEY, Content(entry.content.metadata, body=body), entry.revision)))


def held() -> dict[str, Any]:
    """The workload with all that is suggested for it."""
    web = deployment(
        readOnlyRootFilesystem=True, capabilities={"drop": ["ALL"]}, allowPrivilegeEscalation=False,
        seccompProfile={"type": "RuntimeDefault"},
    )  # fmt: skip
    web["spec"]["template"]["spec"]["automountServiceAccountToken"] = False
    return web


def test_from_the_record_to_a_workload_that_was_seen_to_work_with_it():
    round = Round()
    round.learn(profile())
    made = round.keep(target())
    assert made is not None
    assert (made.status.state, made.status.rehearsal.blocked) == ("rehearsed", 0)
    assert {one.path for one in made.spec.settings or ()} == {
        "automountServiceAccountToken",
        "securityContext.readOnlyRootFilesystem",
        "securityContext.capabilities",
        "securityContext.allowPrivilegeEscalation",
        "securityContext.seccompProfile",
    }
    (policy,) = made.spec.objects or ()
    assert policy.body["spec"]["egress"][0]["to"] == [{"podSelector": {"matchLabels": {"app": "db"}}}]
    entry = asyncio.run(round.store.get(KEY))
    assert round.keep(target()) == made
    assert asyncio.run(round.store.get(KEY)) == entry, "a round without news writes nothing"

    round.approve(made.spec.digest)
    approved = round.keep(target())
    assert approved is not None
    assert approved.status.state == "approved"
    assert approved.status.rehearsal.at > approved.status.approval.at

    half = round.keep(target(web=held()))
    assert half is not None
    assert half.status.state == "approved", "the policy is not there yet"
    applied = round.keep(target(policy.body, web=held(), revision="77aa"))
    assert applied is not None
    assert (applied.status.state, applied.status.applied_at is UNSET) == ("applied", False)
    round.learn(profile("77aa"))
    verified = round.keep(target(policy.body, web=held(), revision="77aa"))
    assert verified is not None
    assert verified.status.state == "verified"
    assert verified.spec == made.spec or verified.spec.approve == made.spec.digest


def test_an_approval_does_not_count_where_more_was_recorded_since():
    round = Round()
    round.learn(profile())
    made = round.keep(target())
    assert made is not None
    round.approve(made.spec.digest)
    round.learn(profile(opened=(OpenedFile("/var/spool/x", ("O_RDWR",)),), users=(0, 7)))
    after = round.keep(target())
    assert after is not None
    assert after.status.state == "rehearsed"
    assert after.spec.digest != made.spec.digest
    assert after.status.why.startswith("what ann approved was another suggestion")


def test_nothing_is_suggested_of_half_a_record():
    round = Round()
    round.learn(profile(completion="partial", reasons=("records were lost",)))
    assert round.keep(target()) is None


def test_a_suggestion_that_nothing_is_left_of_goes_unless_someone_decided():
    round = Round()
    round.learn(profile())
    made = round.keep(target())
    assert made is not None
    (policy,) = made.spec.objects or ()
    round.learn(profile(completion="partial", reasons=("records were lost",)))
    assert round.keep(target(policy.body)) is None


def test_existing_clients_find_profiles_with_those_of_users_on_top():
    round = Round()
    round.learn(profile(executed=()))
    spec = {"containers": [{"name": "web", "execs": [{"path": "/bin/own"}], "syscalls": ["write"]}]}
    own = Content(
        b'{"name":"ug-replicaset-web-5d4f","namespace":"shop"}', body=msgspec.json.encode({"spec": spec})
    )
    asyncio.run(round.store.put(Put(Key("applicationprofiles", "shop", "ug-replicaset-web-5d4f"), own)))
    round.keep(target())
    entry = asyncio.run(round.store.get(Key("applicationprofiles", "shop", "replicaset-web-5d4f")))
    assert entry is not None
    (container,) = Reader(ApplicationProfile)(entry).spec.containers or ()
    assert [one.path for one in container.execs or ()] == ["/bin/own"]
    assert container.syscalls == ("read", "write")
    notes = metadata_of(entry).annotations
    assert (notes["kubescape.io/status"], notes["kubescape.io/completion"]) == ("completed", "complete")
    entry = asyncio.run(round.store.get(Key("networkneighborhoods", "shop", "replicaset-web-5d4f")))
    assert entry is not None
    (talking,) = Reader(NetworkNeighborhood)(entry).spec.containers or ()
    (neighbor,) = talking.egress or ()
    assert neighbor.pod_selector == {"matchLabels": {"app": "db"}}
    assert [(one.protocol, one.port) for one in neighbor.ports or ()] == [("TCP", 5432)]


def test_a_neighbour_of_which_nothing_is_known_makes_the_neighborhood_partial():
    round = Round()
    round.learn(profile(peers=(Peer("connects", "10.1.2.3", 80, "TCP"),)))
    round.keep(target())
    entry = asyncio.run(round.store.get(Key("networkneighborhoods", "shop", "replicaset-web-5d4f")))
    assert entry is not None
    notes = metadata_of(entry).annotations
    assert notes["kubescape.io/completion"] == "partial"
    assert "10.1.2.3" in notes["kubescape.io/status-reason"]


def test_what_a_tenant_writes_counts_for_no_other_namespace():
    """The name of the container in a record is what its writer says; where it is stored is what Kubernetes let him."""
    forged = profile(opened=(OpenedFile("/forged", ("O_RDONLY",)),))
    ours = Round()
    ours.learn(forged)
    name = profile_name(forged.container)
    entry = asyncio.run(ours.store.get(Key(PROFILES, "shop", name)))
    assert entry is not None
    metadata = msgspec.json.encode({**msgspec.json.decode(entry.content.metadata), "namespace": "tenant"})
    life = Round()
    asyncio.run(
        life.store.put(Put(Key(PROFILES, "tenant", name), Content(metadata, body=entry.content.body)))
    )
    assert life.keep(target()) is None
    for plural in ("applicationprofiles", "networkneighborhoods"):
        assert asyncio.run(life.store.list(Selection(plural, "shop"), Paging())).entries == ()
