"""Profiles of this node go to the store, and become one with those of the replicas on other nodes."""

import asyncio
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from msgspec.structs import replace

from leadline.api.kinds.profiles import ContainerProfile
from leadline.api.protocol import FullError, Put
from leadline.api.selection import Key, labels_of
from leadline.api.stored import Reader, metadata_of
from leadline.model.container import Container
from leadline.model.profile import ExecutedProgram, OpenedFile, Peer, Profile
from leadline.scans.observing.storing import AGAIN_S, ProfileStore
from leadline.scans.rehearsing.stored_profiles import stored_profiles
from leadline.scans.stored.behaviour import PROFILES, profile_name, record_of, stored_records
from memory_store import MemoryStore

DAY_S = 86_400.0
WEB = Container(
    "c1", "web", "web:1", namespace="shop", workload_kind="Deployment", workload="web", revision="5d4f",
    labels=(("app", "web"),),
)  # fmt: skip


def profile(id: str = "c1", **more: Any) -> Profile:
    made = Profile(
        replace(WEB, id=id),
        "complete",
        (),
        executed=(ExecutedProgram("/bin/web", ("web",)),),
        opened=(OpenedFile("/etc/web.conf", ("O_RDONLY",)),),
        loaded=("/bin/web",),
        peers=(
            Peer("connects", "198.51.100.7", 443, "TCP", ("api.example.org",)),
            Peer("listens", "", 80, "TCP"),
        ),
        capabilities=("NET_BIND_SERVICE",),
        since_s=1000.0,
        until_s=1060.0,
    )
    return replace(made, **more)


KEY = Key(PROFILES, "shop", profile_name(WEB))


async def written(store: MemoryStore, *profiles: Profile, now_s: float = 1060.0) -> Any:
    await ProfileStore(store, DAY_S).write(profiles, now_s)
    return await store.get(KEY)


def test_it_is_named_and_labelled_as_existing_clients_look_for_it():
    entry = asyncio.run(written(MemoryStore(), profile()))
    assert entry.key.name.startswith("replicaset-web-5d4f-web-")
    labels, notes = labels_of(entry.content.metadata), metadata_of(entry).annotations
    assert labels["kubescape.io/workload-kind"] == "Deployment"
    assert labels["kubescape.io/workload-container-name"] == "web"
    assert labels["kubescape.io/instance-template-hash"] == "5d4f"
    assert (notes["kubescape.io/status"], notes["kubescape.io/completion"]) == ("ready", "complete")
    spec = Reader(ContainerProfile)(entry).spec
    assert [one.path for one in spec.execs or ()] == ["/bin/web"]
    assert spec.capabilities == ("CAP_NET_BIND_SERVICE",)
    (neighbor,) = spec.egress or ()
    assert (neighbor.ip_address, neighbor.dns_names) == ("198.51.100.7", ("api.example.org",))
    assert spec.ingress is None


def test_replicas_of_two_nodes_are_one_and_runs_of_a_cron_job_too():
    async def scenario() -> None:
        store = MemoryStore()
        await ProfileStore(store, DAY_S).write([profile("c1")], 1060.0)
        more = (OpenedFile("/var/x", ("O_RDWR",)),)
        await ProfileStore(store, DAY_S).write([profile("c2", opened=more)], 1060.0)
        (one,) = await stored_records(store)
        instance, record = one.instance, one.record
        assert instance == "replicaset-web-5d4f"
        assert [one.path for one in record.profile.opened] == ["/etc/web.conf", "/var/x"]
        assert set(record.whole) == {"c1", "c2"}

    asyncio.run(scenario())
    first, second = (replace(WEB, workload_kind="Job", workload=f"report-2993174{n}") for n in (3, 4))
    assert profile_name(first) == profile_name(second)
    assert profile_name(first) != profile_name(replace(second, revision="other"))


def test_what_is_not_new_is_not_written_again_until_it_was_watched_for_long():
    async def scenario() -> None:
        store = MemoryStore()
        profiles = ProfileStore(store, DAY_S)
        assert await profiles.write([profile()], 1060.0) == 1
        assert await profiles.write([profile(until_s=1120.0)], 1120.0) == 0
        assert await profiles.write([profile(until_s=1060.0 + AGAIN_S)], 1060.0 + AGAIN_S) == 1
        assert await profiles.write([profile(users=(0,), until_s=1060.0 + AGAIN_S)], 1061.0 + AGAIN_S) == 1
        assert await profiles.write([profile(users=(0,), until_s=1060.0 + AGAIN_S)], 1000.0 + DAY_S) == 1
        entry = await store.get(KEY)
        assert entry is not None
        assert metadata_of(entry).annotations["kubescape.io/status"] == "completed"

    asyncio.run(scenario())


def test_containers_without_names_and_those_of_no_pod_are_not_stored():
    nameless = [replace(WEB, workload=""), replace(WEB, name=""), Container("c9", name="of-docker")]

    async def scenario() -> None:
        store = MemoryStore()
        assert await ProfileStore(store, DAY_S).write([profile(container=one) for one in nameless], 1.0) == 0

    asyncio.run(scenario())


def test_what_the_store_does_not_take_is_tried_again_and_costs_no_other():
    class Full(MemoryStore):
        refuses = True

        async def put_all(self, puts: Sequence[Put]) -> Any:
            if self.refuses and any("other" not in put.key.name for put in puts):
                raise FullError("no room")
            return await super().put_all(puts)

    async def scenario() -> None:
        store = Full()
        profiles = ProfileStore(store, DAY_S)
        both = [profile(), profile(container=replace(WEB, id="c2", workload="other"))]
        with pytest.raises(FullError):
            await profiles.write(both, 1060.0)
        assert len(await stored_records(store)) == 1
        store.refuses = False
        assert await profiles.write(both, 1061.0) == 1

    asyncio.run(scenario())


def test_a_profile_that_is_too_large_is_emptied_and_says_so():
    opened = tuple(OpenedFile(f"/data/{n:05d}/{'x' * 300}", ("O_RDONLY",)) for n in range(15_000))
    entry = asyncio.run(written(MemoryStore(), profile(opened=opened)))
    notes = metadata_of(entry).annotations
    assert notes["kubescape.io/status"] == "too-large"
    assert notes["kubescape.io/completion"] == "partial"
    assert record_of(entry) is None


def test_harden_and_rehearse_read_all_of_it_back():
    entry = asyncio.run(written(MemoryStore(), profile()))
    whole = {"kind": "ContainerProfile", **orjson.loads(entry.content.body)}
    whole["metadata"] = orjson.loads(entry.content.metadata)
    (read,), _ = stored_profiles({"items": [whole]})
    assert read.completion == "complete"
    assert read.peers == profile().peers
    assert read.container.workload == "web"
