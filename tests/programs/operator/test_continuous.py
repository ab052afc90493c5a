"""The half of the operator that judges objects, against a server that can be watched."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import yaml

from leadline.api.posture_results import SCANS, SUMMARIES
from leadline.api.protocol import DELETED, Content, Paging, Put, Store
from leadline.api.risk_results import RISKS
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError
from leadline.outputs.redaction.values import SecretValues
from leadline.programs.operator.continuous import CURRENT, Continuous, World
from leadline.programs.operator.main import rules_of
from leadline.programs.operator.runs import POSTURE, Orders
from leadline.programs.operator.settings import Settings
from leadline.programs.operator.waiver_objects import ExceptionStatus
from leadline.programs.operator.watch import RunningImages
from leadline.scans.stored.history.days import MONTHS
from leadline.scans.stored.history.lives import HISTORIES
from leadline.scans.stored.scan_runs import RUNS
from leadline.sources.cluster.connection import Cluster, Patience, connect
from list_server import Row
from memory_store import MemoryStore
from watch_server import WatchServer, event

PODS = Row("", "v1", "Pod", "pods")
NAMESPACES = Row("", "v1", "Namespace", "namespaces", namespaced=False)
POLICIES = Row("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
SOON = Patience(attempts=2, first_wait_s=0.05, longest_wait_s=0.2)
LONG_S = 60.0
"""A bound for what happens at once on an idle machine."""


def pod(name: str, *, privileged: bool) -> dict[str, Any]:
    container = {"name": "c", "image": "web:1", "securityContext": {"privileged": privileged}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": f"uid-{name}", "labels": {"app": name}},
        "spec": {"containers": [container]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "c", "imageID": "web@sha256:1"}]},
    }


@pytest.fixture
def server() -> Any:
    with WatchServer((PODS, NAMESPACES, POLICIES)) as running:
        running.add(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        running.add(PODS, pod("web", privileged=True), pod("old", privileged=True))
        yield running


class Operator:
    """One that runs until its block is left."""

    def __init__(self, store: Store, kubeconfig: str, **more: Any) -> None:
        self.store = store
        self.allowed: set[tuple[str, str]] = set()
        settings = Settings(store="memory", kubeconfig=kubeconfig, namespace="leadline", **more)
        self.running = RunningImages(asyncio.get_running_loop())
        self.orders = Orders(store, (POSTURE,) if settings.posture else ())

        def connection() -> Cluster:
            return connect(kubeconfig=kubeconfig, environ={}, patience=SOON)

        async def may_list(plural: str, group: str) -> bool:
            return (plural, group) in self.allowed

        rules = rules_of(settings, SecretValues())
        self.world = World(
            settings,
            connection,
            store,
            rules,
            ExceptionStatus(None),
            self.orders,
            self.running,
            may_list,
            again_s=0.05,
            rights_s=0.1,
            kinds_s=0.1,
        )

    async def until(self, key: Key, is_so: Callable[[Any], bool]) -> Any:
        """The object called ``key`` once it is as wanted; ``None`` is given for one that is gone."""

        async def found() -> Any:
            since = self.store.revision
            entry = await self.store.get(key)
            whole = orjson.loads(entry.content.body) if entry else None
            if is_so(whole):
                return whole
            async for changes in self.store.watch(Selection(key.plural), since):
                for one in changes.events:
                    if one.entry.key == key:
                        whole = None if one.type == DELETED else orjson.loads(one.entry.content.body)
                        if is_so(whole):
                            return whole
            raise AssertionError("the store has ended")

        return await asyncio.wait_for(found(), LONG_S)


@asynccontextmanager
async def operator(
    server: WatchServer, store: Store, folder: Any, **settings: Any
) -> AsyncIterator[Operator]:
    config = folder / "kubeconfig"
    config.write_text(
        yaml.safe_dump(
            {
                "current-context": "test",
                "clusters": [{"name": "test", "cluster": {"server": server.url}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": ""}}],
            }
        )
    )
    made = Operator(store, os.fspath(config), **settings)
    tasks = [asyncio.ensure_future(made.orders.run()), asyncio.ensure_future(Continuous(made.world).run())]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)


def failed(control: str) -> Callable[[Any], bool]:
    return lambda whole: bool(whole) and whole["spec"]["controls"][control]["status"]["status"] == "failed"


def passed(control: str) -> Callable[[Any], bool]:
    return lambda whole: bool(whole) and whole["spec"]["controls"][control]["status"]["status"] == "passed"


def of_pod(name: str, plural: str = SCANS) -> Key:
    return Key(plural, "shop", f"pod-{name}")


def is_gone(whole: Any) -> bool:
    return whole is None


def run(scenario: Callable[[MemoryStore], Any]) -> None:
    asyncio.run(scenario(MemoryStore()))


def test_a_changed_object_and_what_it_is_joined_to_are_judged_again(server: WatchServer, tmp_path: Any):
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "all", "namespace": "shop"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]},
    }
    server.watches["pods"] = [
        (event("MODIFIED", pod("web", privileged=False)), event("DELETED", pod("old", privileged=True)))
    ]
    server.watches["networkpolicies"] = [(event("ADDED", policy),)]

    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path) as started:
            await started.until(of_pod("web"), passed("C-0057"))
            await started.until(of_pod("web"), passed("C-0260"))
            await started.until(of_pod("web", SUMMARIES), passed("C-0260"))
            await started.until(of_pod("old"), is_gone)
            await started.until(of_pod("old", SUMMARIES), is_gone)

    run(scenario)


def test_the_first_reading_is_a_run_and_the_changes_another(server: WatchServer, tmp_path: Any):
    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path) as started:
            current = await started.until(Key(RUNS, "", CURRENT), bool)
            assert current["status"]["phase"] == "Following"
            assert current["status"]["coverage"]["objects"] == 3
            assert {one["name"] for one in current["status"]["frameworkScores"]} >= {"NSA", "MITRE"}
            assert 0 < current["status"]["score"] < 100
            page = await store.list(Selection(RUNS), Paging())
            phases = [orjson.loads(one.content.body)["status"]["phase"] for one in page.entries]
            assert sorted(phases) == ["Following", "Succeeded"]

    run(scenario)


def test_who_can_reach_cluster_admin_by_a_new_binding_is_known_since_then(tmp_path: Any):
    rbac = "rbac.authorization.k8s.io"
    roles = Row(rbac, "v1", "ClusterRole", "clusterroles", namespaced=False)
    bindings = Row(rbac, "v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False)

    def of(kind: str, name: str, **more: Any) -> dict[str, Any]:
        return {
            "apiVersion": f"{rbac}/v1",
            "kind": kind,
            "metadata": {"name": name, "uid": f"uid-{name}"},
            **more,
        }

    def given(name: str) -> dict[str, Any]:
        ref = {"apiGroup": rbac, "kind": "ClusterRole", "name": "everything"}
        return of(
            "ClusterRoleBinding",
            name,
            roleRef=ref,
            subjects=[{"kind": "User", "apiGroup": rbac, "name": name}],
        )

    def admins(whole: Any) -> dict[str, str]:
        return {
            one["subject"]: one.get("since", "") for one in (whole or {}).get("status", {}).get("admins", ())
        }

    with WatchServer((PODS, NAMESPACES, roles, bindings)) as server:
        server.add(PODS, pod("web", privileged=True))
        server.add(
            roles,
            of("ClusterRole", "everything", rules=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]),
        )
        server.add(bindings, given("alice"))

        async def scenario(store: MemoryStore) -> None:
            async with operator(server, store, tmp_path) as started:
                key = Key(RUNS, "", CURRENT)
                await started.until(key, lambda whole: admins(whole) == {"User/alice": ""})
            server.watches["clusterrolebindings"] = [(event("ADDED", given("bob")),)]
            async with operator(server, store, tmp_path) as started:
                found = admins(await started.until(key, lambda whole: "User/bob" in admins(whole)))
                assert found["User/alice"] == ""
                assert found["User/bob"].startswith("20")
                histories = await store.list(Selection(HISTORIES), Paging())
                assert {"cluster-admin-user-alice", "cluster-admin-user-bob"} <= {
                    one.key.name for one in histories.entries
                }

        run(scenario)


def test_a_restart_writes_nothing_that_is_there(server: WatchServer, tmp_path: Any):
    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path) as started:
            await started.until(Key(RUNS, "", CURRENT), bool)
        before = [
            (one.key, one.revision)
            for plural in (SCANS, SUMMARIES)
            for one in (await store.list(Selection(plural), Paging())).entries
        ]
        assert before
        await store.delete(Key(RUNS, "", CURRENT))
        async with operator(server, store, tmp_path) as started:
            await started.until(Key(RUNS, "", CURRENT), bool)
        after = [
            (one.key, one.revision)
            for plural in (SCANS, SUMMARIES)
            for one in (await store.list(Selection(plural), Paging())).entries
        ]
        assert after == before

    run(scenario)


def test_results_about_what_went_while_no_operator_ran_are_deleted(server: WatchServer, tmp_path: Any):
    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path) as started:
            await started.until(Key(RUNS, "", CURRENT), bool)
        server.objects[PODS] = [one for one in server.objects[PODS] if one[1] != "old"]
        async with operator(server, store, tmp_path) as started:
            await started.until(of_pod("old"), is_gone)
            assert await store.get(of_pod("web"))

    run(scenario)


def test_what_was_found_is_kept_and_days_are_counted(server: WatchServer, tmp_path: Any):
    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path) as started:
            await started.until(Key(RUNS, "", CURRENT), bool)
            risk = await started.until(of_pod("web", RISKS), bool)
            assert risk["spec"]["path"][0]["text"] == "any pod"
            month = Key(MONTHS, "leadline", f"cluster-{datetime.now(UTC):%Y-%m}")
            days = await started.until(month, bool)
            assert days["spec"]["days"][-1]["objects"] == 3
        server.objects[PODS] = []
        server.add(PODS, pod("web", privileged=False))
        async with operator(server, store, tmp_path) as started:
            old = await started.until(of_pod("old", HISTORIES), lambda told: "goneAt" in told["spec"])
            assert old["spec"]["findings"]["C-0057"]["changes"][-1]["state"] == "gone"
            await started.until(of_pod("web"), passed("C-0057"))
            await started.until(of_pod("old", RISKS), is_gone)
            web = await started.until(of_pod("web", HISTORIES), bool)
            changes = web["spec"]["findings"]["C-0057"]["changes"]
            assert [one["state"] for one in changes] == ["failed", "passed"]
            assert {one.get("by") for one in changes} == {None}

    run(scenario)


def test_results_about_what_may_no_longer_be_read_stay_and_the_run_names_it(
    server: WatchServer, tmp_path: Any
):
    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path) as started:
            await started.until(Key(RUNS, "", CURRENT), bool)
        await store.delete(Key(RUNS, "", CURRENT))
        server.forbidden.add("/api/v1/pods")
        async with operator(server, store, tmp_path) as started:
            current = await started.until(Key(RUNS, "", CURRENT), bool)
            assert current["status"]["coverage"]["unreadReasons"] == {"forbidden": 1}
            assert await store.get(of_pod("web"))

    run(scenario)


def test_a_run_that_someone_creates_is_done(server: WatchServer, tmp_path: Any):
    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path) as started:
            await started.until(Key(RUNS, "", CURRENT), bool)
            key = Key(RUNS, "", "now")
            body = orjson.dumps({"spec": {"trigger": "eve"}})
            await store.put(Put(key, Content(b'{"name":"now","labels":{"team":"a"}}', body=body)))
            done = await started.until(
                key, lambda whole: (whole.get("status") or {}).get("phase") == "Succeeded"
            )
            assert done["spec"]["trigger"] == "eve"
            assert done["status"]["coverage"]["objects"] == 3
            entry = await store.get(key)
            assert entry is not None
            assert orjson.loads(entry.content.metadata)["labels"] == {"team": "a"}
            images = Key(RUNS, "", "images")
            await store.put(
                Put(images, Content(b'{"name":"images"}', body=orjson.dumps({"spec": {"subject": "images"}})))
            )
            refused = await started.until(images, lambda whole: bool(whole.get("status")))
            assert refused["status"]["phase"] == "Failed"
            assert "does not scan" in refused["status"]["message"]

    run(scenario)


def test_pods_and_workloads_are_told_to_the_half_that_looks_at_images(server: WatchServer, tmp_path: Any):
    server.watches["pods"] = [(event("DELETED", pod("old", privileged=True)),)]

    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path) as started:
            known: dict[Any, Any] = {}

            async def gather() -> None:
                while known.get(("Pod", "shop", "old"), "") is not None:
                    known.update(await started.running.changes())

            await asyncio.wait_for(gather(), LONG_S)
            web = known["Pod", "shop", "web"]
            assert web.images == (("c", "web:1"),)
            assert web.digests == {"c": "web@sha256:1"}
            assert web.phase == "Running"

    run(scenario)


class Flaky(MemoryStore):
    """One that can be away."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = False
        self.refused = asyncio.Event()

    async def put_all(self, puts: Any) -> Any:
        self._check_there()
        return await super().put_all(puts)

    async def list(self, selection: Any, paging: Any) -> Any:
        self._check_there()
        return await super().list(selection, paging)

    def _check_there(self) -> None:
        if self.is_away:
            self.refused.set()
            raise StoreError("away")


def test_what_changes_while_the_store_is_away_is_stored_when_it_is_back(server: WatchServer, tmp_path: Any):
    goes_on = threading.Event()

    def changed() -> tuple[bytes, ...]:
        goes_on.wait()
        return (
            event("MODIFIED", pod("web", privileged=False)),
            event("DELETED", pod("old", privileged=True)),
        )

    server.watches["pods"] = [changed]

    async def scenario() -> None:
        store = Flaky()
        async with operator(server, store, tmp_path) as started:
            await started.until(Key(RUNS, "", CURRENT), bool)
            store.is_away = True
            goes_on.set()
            await asyncio.wait_for(store.refused.wait(), LONG_S)
            store.is_away = False
            await started.until(of_pod("web"), passed("C-0057"))
            await started.until(of_pod("old"), is_gone)

    asyncio.run(scenario())


def test_a_cluster_that_cannot_be_read_is_one_failed_run_until_it_can(server: WatchServer, tmp_path: Any):
    async def scenario(store: MemoryStore) -> None:
        for path in ("/api/v1/pods", "/api/v1/namespaces", "/apis/networking.k8s.io/v1/networkpolicies"):
            server.forbidden.add(path)
        async with operator(server, store, tmp_path) as started:
            asked = len(server.requests)
            while len(server.requests) < asked + 40:
                await asyncio.sleep(0.01)
            page = await store.list(Selection(RUNS), Paging())
            statuses = [orjson.loads(one.content.body)["status"] for one in page.entries]
            assert [status["phase"] for status in statuses] == ["Failed"]
            assert "forbidden" in statuses[0]["message"]
            server.forbidden.clear()
            await started.until(Key(RUNS, "", CURRENT), bool)
            page = await store.list(Selection(RUNS), Paging())
            phases = [orjson.loads(one.content.body)["status"]["phase"] for one in page.entries]
            assert sorted(phases) == ["Following", "Succeeded"]

    run(scenario)


def test_what_may_be_read_by_and_by_is_read(server: WatchServer, tmp_path: Any):
    async def scenario(store: MemoryStore) -> None:
        server.forbidden.add("/api/v1/pods")
        async with operator(server, store, tmp_path) as started:
            await started.until(Key(RUNS, "", CURRENT), bool)
            assert await store.get(of_pod("web")) is None
            server.forbidden.clear()
            started.allowed.add(("pods", ""))
            await started.until(of_pod("web"), failed("C-0057"))

    run(scenario)


def test_a_kind_that_is_served_later_is_read_and_followed(server: WatchServer, tmp_path: Any):
    async def scenario(store: MemoryStore) -> None:
        everything, server.rows = server.rows, (PODS, NAMESPACES)
        policy = {"metadata": {"name": "all", "namespace": "shop"}, "spec": {"podSelector": {}}}
        server.add(POLICIES, policy)
        async with operator(server, store, tmp_path) as started:
            await started.until(of_pod("web"), failed("C-0260"))
            server.rows = everything
            await started.until(of_pod("web"), passed("C-0260"))

    run(scenario)


def test_an_operator_that_ends_at_any_moment_leaves_the_next_nothing_to_guess(
    server: WatchServer, tmp_path: Any
):
    async def scenario(store: MemoryStore) -> None:
        name = Key(RUNS, "", "now")
        await store.put(Put(name, Content(b'{"name":"now"}', body=b'{"spec":{}}')))
        async with operator(server, store, tmp_path) as started:
            await started.until(name, lambda whole: bool(whole.get("status")))
        async with operator(server, store, tmp_path) as started:
            done = await started.until(name, lambda whole: whole["status"]["phase"] == "Succeeded")
            assert done["status"]["coverage"]["objects"] == 3

    run(scenario)


def test_where_objects_are_not_judged_the_cluster_is_followed_for_images_alone(
    server: WatchServer, tmp_path: Any
):
    server.watches["pods"] = [(event("DELETED", pod("old", privileged=True)),)]

    async def scenario(store: MemoryStore) -> None:
        async with operator(server, store, tmp_path, posture=False) as started:
            known: dict[Any, Any] = {}

            async def gather() -> None:
                while known.get(("Pod", "shop", "old"), "") is not None:
                    known.update(await started.running.changes())

            await asyncio.wait_for(gather(), LONG_S)
            assert known["Pod", "shop", "web"]
            for plural in (RUNS, SCANS, SUMMARIES):
                assert (await store.list(Selection(plural), Paging())).entries == ()

    run(scenario)
