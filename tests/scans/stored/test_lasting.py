"""A namespace that is being deleted keeps nothing of others out of the store, whoever writes."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from leadline.api.protocol import Content, EndingError, Entry, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.model.alert import Alert
from leadline.model.container import Container
from leadline.model.profile import Profile
from leadline.model.resource import resource_of
from leadline.scans.observing.alert_store import AlertStore
from leadline.scans.observing.storing import ProfileStore
from leadline.scans.rehearsing.target import RehearsalTarget
from leadline.scans.stored.alerts import ALERTS
from leadline.scans.stored.behaviour import PROFILES
from leadline.scans.stored.lasting import put_lasting
from leadline.scans.suggesting.keeping import SUGGESTIONS, keep_behaviour
from memory_store import MemoryStore

SCANS = Path(__file__).parents[3] / "src" / "leadline" / "scans"
WEB = Container("c1", "web", namespace="shop", workload_kind="Deployment", workload="web", revision="5d4f")
PROFILE = Profile(WEB, "complete", (), syscalls=("read",), users=(7,), since_s=1.0, until_s=2.0)
ALERT = Alert(
    id="a1", rule="R1001", title="Drifted", severity="high", message="x ran", container=WEB, program="/x", pid=1,
    first_s=1.9e9, last_s=1.9e9,
)  # fmt: skip


class Ending(MemoryStore):
    """As kube-apiserver: nothing new in ``ending``, what is there stays readable."""

    ending = ""

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        for put in puts:
            if put.key.namespace == self.ending:
                raise EndingError(self.ending, f"namespace {self.ending} is being terminated")
        return await super().put_all(puts)


def in_namespace(profile: Profile, namespace: str) -> Profile:
    return replace(profile, container=replace(profile.container, id=namespace, namespace=namespace))


async def namespaces(store: MemoryStore, plural: str) -> list[str]:
    page = await store.list(Selection(plural), Paging())
    return [entry.key.namespace for entry in page.entries]


def test_the_home_of_what_others_refer_to_is_not_passed_over():
    store = Ending()
    store.ending = "leadline"
    puts = [Put(Key(PROFILES, name, "x"), Content(b"{}", body=b"{}")) for name in ("leadline", "shop")]
    assert asyncio.run(put_lasting(store, puts)) == 1
    with pytest.raises(EndingError, match="being terminated"):
        asyncio.run(put_lasting(store, puts, home="leadline"))


def test_an_agent_stores_the_profiles_and_alerts_of_others_and_does_not_ask_again():
    async def scenario() -> None:
        store = Ending()
        store.ending = "old"
        profiles = ProfileStore(store, 60.0)
        both = [in_namespace(PROFILE, name) for name in ("old", "shop")]
        await profiles.write(both, 100.0)
        assert await namespaces(store, PROFILES) == ["shop"]
        assert await profiles.write(both, 101.0) == 0
        kept = AlertStore(lambda: store, "node1")
        kept.add([replace(ALERT, id="a2", container=replace(WEB, namespace="old")), ALERT])
        await kept.last()
        assert await namespaces(store, ALERTS) == ["shop"]
        assert kept.dropped == 1

    asyncio.run(scenario())


def test_the_operator_follows_the_behaviour_of_others():
    web = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"template": {"metadata": {"labels": {}}, "spec": {"containers": [{"name": "web"}]}}},
    }
    deployments = [
        resource_of({**web, "metadata": {"name": "web", "namespace": name}}) for name in ("old", "shop")
    ]

    async def scenario() -> None:
        store = Ending()
        await ProfileStore(store, 60.0).write([in_namespace(PROFILE, one) for one in ("old", "shop")], 100.0)
        store.ending = "old"
        kept = await keep_behaviour(store, RehearsalTarget(tuple(deployments), (), ()))
        assert kept.problems == ()
        assert (kept.workloads, kept.suggestions) == (2, 1)
        for plural in ("applicationprofiles", SUGGESTIONS):
            assert await namespaces(store, plural) == ["shop"]

    asyncio.run(scenario())


def test_nothing_else_in_scans_writes_into_a_namespace_by_itself():
    own = {
        "stored/lasting.py": "is what the others write by",
        "stored/result_writer.py": "names the namespaces that end",
        "stored/scan_runs.py": "writes what is in no namespace",
    }
    writes = re.compile(r"store\.put(_all)?\(")
    found = {str(path.relative_to(SCANS)) for path in SCANS.rglob("*.py") if writes.search(path.read_text())}
    assert found == own.keys()
