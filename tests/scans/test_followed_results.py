"""Stored results that follow changes are those of a fresh scan."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from leadline.api.posture_results import posture_puts, result_places
from leadline.api.protocol import Store
from leadline.api.risk_results import risk_puts
from leadline.api.selection import Key
from leadline.model.report import Target
from leadline.model.resource import Resource, resource_of
from leadline.outputs.redaction.bodies import BodyHider
from leadline.outputs.redaction.report import Redaction
from leadline.outputs.rows.no_places import NoPlaces
from leadline.posture.risk.ranking import workload_risks
from leadline.scans.options import PostureOptions
from leadline.scans.posture.policies import choose_policies
from leadline.scans.posture.reading import Reading
from leadline.scans.posture.settings import shipped_settings
from leadline.scans.stored.followed_results import FollowedResults, ScanRules
from leadline.scans.stored.result_writer import FIRST_SEEN, PLURALS, TIMESTAMP, ResultWriter
from leadline.scans.stored.scan_runs import all_of
from memory_store import MemoryStore
from object_series import resource_like, series

OPTIONS = PostureOptions(frameworks=("all",))
POLICIES = choose_policies(OPTIONS)
RULES = ScanRules(OPTIONS, POLICIES, shipped_settings(POLICIES.known))
AT = "2027-01-01T00:00:00Z"
LATER = "2027-01-02T00:00:00Z"


def reading(*resources: Resource, is_whole: bool = True) -> Reading:
    target = Target("cluster", "test", server_version="v1.36.0", cloud="none")
    return Reading(target, resources, NoPlaces(), is_whole=is_whole)


async def brought_up(writer: ResultWriter, followed: FollowedResults, at: str = AT) -> None:
    """Writes what is pending, as the operator does."""
    while followed.pending:
        ids = list(followed.pending)[:7]
        results = followed.results(ids, at)
        await writer.write(results.puts, at=at)
        await writer.delete(results.gone, at=at)


async def held(store: Store) -> dict[Key, Any]:
    """All results of a store, without when they were found."""
    found = {}
    for plural in PLURALS:
        for entry in await all_of(store, plural):
            metadata, body = orjson.loads(entry.content.metadata), orjson.loads(entry.content.body)
            del metadata["annotations"][TIMESTAMP]
            for control in body["spec"].get("controls", {}).values():
                control.pop(FIRST_SEEN, None)
            found[entry.key] = (metadata, body)
    return found


async def scanned_anew(*resources: Resource) -> dict[Key, Any]:
    store = MemoryStore()
    report = FollowedResults(RULES, reading(*resources)).report()
    hidden = Redaction(None)
    hidden.learn_from(resources)
    hider = BodyHider(hidden.found)
    bodies = {hidden.resource(one).id: hider.shown(one.body) for one in resources}
    # As the command ranks: what was read, judged and redacted at once.
    risks = workload_risks(report, body=lambda one: bodies[one.id])
    puts = (
        *posture_puts(report, RULES.home, AT),
        *risk_puts(report, risks, AT, result_places(report, RULES.home)),
    )
    await ResultWriter(store).write(puts, at=AT)
    return await held(store)


@given(data=st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_after_any_series_of_changes_the_store_holds_what_a_fresh_scan_finds(data: st.DataObject):
    first, changes = data.draw(series(True))

    async def scenario() -> None:
        store = MemoryStore()
        writer = ResultWriter(store)
        present = {one.id: one for one in first}
        followed = FollowedResults(RULES, reading(*present.values()))
        await brought_up(writer, followed)
        for numbers, added, is_change in changes:
            ids = list(present)
            gone = {ids[number % len(ids)] for number in numbers} if ids else set()
            if is_change:
                added = [
                    resource_like(one, present[id]) for one, id in zip(added, sorted(gone), strict=False)
                ]
            new = {one.id: one for one in added}
            # As a watch does: what is there under the name of something new has changed.
            gone |= new.keys() & present.keys()
            # What has changed keeps its place: of several that make a control fail, the first may be the one named.
            present = {id: one for id, one in present.items() if id not in gone or id in new} | new
            followed.take(gone, tuple(new.values()))
            if data.draw(st.booleans()):
                await brought_up(writer, followed)
        await brought_up(writer, followed)
        resources = list(present.values())
        assert await held(store) == await scanned_anew(*resources)
        report, fresh = followed.report(), FollowedResults(RULES, reading(*resources)).report()
        assert report.severities() == fresh.severities()
        assert report.compliance() == fresh.compliance()
        for framework in fresh.frameworks:
            assert report.compliance(framework) == fresh.compliance(framework)
        assert len(report.waived) == len(fresh.waived)

    asyncio.run(scenario())


def exception(namespace: str, expires: str) -> Resource:
    body = {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": "SecurityException",
        "metadata": {"name": "known", "namespace": namespace},
        "spec": {"reason": "known", "posture": [{"controlID": "C-0057"}], "expiresAt": expires},
    }
    return resource_of(body)


def pod(namespace: str, name: str, **annotations: str) -> Resource:
    container = {"name": "c", "image": "web:1", "securityContext": {"privileged": True}}
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}
    return resource_of(body)


def test_a_file_that_asks_for_labels_of_namespaces_follows_them(tmp_path: Path):
    spec = {
        "match": {"namespaceSelector": {"matchLabels": {"env": "dev"}}},
        "posture": [{"controlID": "C-0057"}],
    }
    body = {"apiVersion": "kubescape.io/v1beta1", "kind": "ClusterSecurityException", "spec": spec}
    (tmp_path / "e.json").write_bytes(orjson.dumps(body | {"metadata": {"name": "dev"}}))
    rules = structs.replace(
        RULES, options=structs.replace(RULES.options, waivers=(str(tmp_path / "e.json"),))
    )

    def space(env: str) -> Resource:
        metadata = {"name": "shop", "labels": {"env": env}}
        return resource_of({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})

    def accepted() -> int:
        followed.results(tuple(followed.pending), AT)
        return len(followed.report().waived)

    followed = FollowedResults(rules, reading(space("prod"), pod("shop", "a")))
    assert accepted() == 0
    for env, number in (("dev", 1), ("prod", 0)):
        followed.take([space(env).id], [space(env)])
        assert pod("shop", "a").id in followed.pending
        assert accepted() == number


def names(ids: Iterable[str]) -> list[str]:
    return sorted(id.partition("/v1/")[2] for id in ids)


def test_what_was_accepted_until_a_moment_is_looked_at_again_when_it_has_come():
    until = {"leadline.dev/accept": "C-0057", "leadline.dev/accept-until": "2999-06-01"}
    followed = FollowedResults(
        RULES,
        reading(
            exception("shop", "2999-01-01T12:00:00Z"),
            pod("shop", "a"),
            pod("bank", "b", **until),
            pod("bank", "c"),
        ),
    )
    followed.results(tuple(followed.pending), AT)
    followed.look_at_time(datetime(2999, 1, 1, 11, 59, tzinfo=UTC))
    assert names(followed.pending) == []
    followed.look_at_time(datetime(2999, 1, 1, 12, 0, tzinfo=UTC))
    assert names(followed.pending) == ["shop/Pod/a"]
    followed.look_at_time(datetime(2999, 6, 1, 23, 0, tzinfo=UTC))
    assert names(followed.pending) == ["shop/Pod/a"]
    followed.look_at_time(datetime(2999, 6, 2, 0, 0, tzinfo=UTC))
    assert names(followed.pending) == ["bank/Pod/b", "shop/Pod/a"]


def test_findings_that_an_exception_is_about_are_counted_those_of_one_that_has_expired_as_well():
    followed = FollowedResults(
        RULES, reading(exception("shop", "2001-01-01"), pod("shop", "a"), pod("bank", "b"))
    )
    followed.results(tuple(followed.pending), AT)
    assert followed.covered == {"shop/SecurityException/known": 1}
    followed.take((), [pod("shop", "c")])
    followed.results(tuple(followed.pending), AT)
    assert followed.covered == {"shop/SecurityException/known": 2}
    followed.take([pod("shop", "a").id, exception("shop", "").id], ())
    followed.results(tuple(followed.pending), AT)
    assert followed.covered == {}
