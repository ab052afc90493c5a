"""Histories of findings, and what days end with: every change is kept, whatever was stored before."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from leadline.api.kinds.history import ObjectHistory
from leadline.api.posture_results import SCANS, posture_puts
from leadline.api.selection import Key
from leadline.errors import SourceError, UsageError
from leadline.model.control import Review
from leadline.model.finding import Finding
from leadline.model.history import Life
from leadline.model.report import PostureReport, Target, Waived
from leadline.model.resource import Resource
from leadline.model.waiver import Waiver, WaiverUse
from leadline.posture.catalogue import load_controls
from leadline.scans.stored.history.days import MONTHS, Place, forget_old, record_days, rules_of
from leadline.scans.stored.history.lives import (
    FOUND,
    HISTORIES,
    MOST_CHANGES,
    Look,
    Seen,
    continued,
    ended,
)
from leadline.scans.stored.history.reading import Asked, asked_of, history
from leadline.scans.stored.result_writer import ResultWriter
from leadline.scans.stored.scan_runs import all_of
from leadline.scans.stored.store_posture import StoreOptions, store_posture
from memory_store import MemoryStore

CONTROLS = tuple(one.facts for one in load_controls() if one.id in ("C-0057", "C-0013", "C-0016"))
IDS = tuple(one.id for one in CONTROLS)
WEB = Resource("apps/v1", "Deployment", "shop", "web", {})
OLD = Resource("v1", "Pod", "bank", "old", {})
STATES = st.sampled_from(["failed", "accepted", "passed", "not judged", ""])
"""Empty for a control that was not asked."""


def day(number: int) -> str:
    return datetime(2027, 1, number, 12, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def report(
    *failing: str,
    resources: tuple[Resource, ...] = (WEB, OLD),
    accepted: tuple[str, ...] = (),
    expires: str = "",
    controls: tuple[str, ...] = IDS,
) -> PostureReport:
    """``failing`` and ``accepted`` of the first object; the second passes everything."""
    asked = tuple(one for one in CONTROLS if one.id in controls)
    use = WaiverUse(Waiver(name="known", matches=(), reason="known", expires=expires), "used", len(accepted))
    return PostureReport(
        Target("cluster", "test", server_version="v1.36.0"),
        resources,
        asked,
        tuple(Finding(id, resources[0].id, Review("spec")) for id in failing),
        (tuple(one.id for one in asked),) * len(resources),
        waived=tuple(Waived(Finding(id, resources[0].id, Review("spec")), 0) for id in accepted),
        waivers=(use,) if accepted else (),
        objects=len(resources),
    )


async def stored(store: MemoryStore, made: PostureReport, at: str, by: str = "") -> None:
    """As the operator writes what is there and deletes what is not."""
    writer = ResultWriter(store)
    await writer.learn()
    writer.by = by
    kept = set(await writer.write(posture_puts(made, "leadline", at), at=at))
    await writer.delete([key for key in writer.keys if key not in kept], at=at)


async def told(store: MemoryStore, name: str = "") -> dict[str, Life]:
    found = await history(
        store, structs.replace(asked_of(name, "2027-01-01", datetime(2027, 2, 1, tzinfo=UTC)))
    )
    return {f"{life.object} {life.id}": life for life in found.lives}


def run(scenario: Callable[[MemoryStore], Awaitable[None]]) -> None:
    asyncio.run(scenario(MemoryStore()))


@given(st.lists(st.dictionaries(st.sampled_from(["a", "b"]), STATES, max_size=2), max_size=12))
def test_a_history_says_for_every_look_what_was_seen(looks: list[dict[str, str]]):
    kept: ObjectHistory | None = None
    for number, look in enumerate(looks, 1):
        seen = {id: Seen(state) for id, state in look.items() if state}
        kept = continued(kept, Look(seen, day(number))) or kept
    for id in ("a", "b"):
        changes = kept.findings[id].changes if kept and id in kept.findings else ()
        for number, look in enumerate(looks, 1):
            before = [one for one in changes or () if one.at <= day(number)]
            state = before[-1].state if before else ""
            wanted = look.get(id, "")
            # What is not there is told apart only where it goes: not judged is not passed.
            assert state == wanted if wanted in FOUND else state not in FOUND


@given(st.lists(st.sampled_from(["failed", "passed"]), min_size=MOST_CHANGES * 2, max_size=MOST_CHANGES * 3))
def test_of_many_changes_the_first_and_the_last_are_kept_and_the_others_counted(states: list[str]):
    kept: ObjectHistory | None = None
    total, last = 0, ""
    for number, state in enumerate(states):
        at = datetime.fromtimestamp(number * 86_400, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        kept = continued(kept, Look({"a": Seen(state)}, at)) or kept
        total += (state != last) and (state == "failed" or bool(last))
        last = state if state == "failed" or last else last
    if kept is None:
        assert total == 0
        return
    life = kept.findings["a"]
    assert len(life.changes or ()) + (life.dropped or 0) == total
    assert len(life.changes or ()) <= MOST_CHANGES


def test_an_object_that_went_comes_back():
    kept = continued(None, Look({"a": Seen("failed", "high")}, day(1)))
    gone = ended(kept, day(2))
    assert gone is not None
    assert ended(gone, day(3)) is None
    assert gone.gone_at == day(2)
    back = continued(gone, Look({"a": Seen("failed", "high")}, day(4)))
    assert back is not None
    assert not back.gone_at
    assert [one.state for one in back.findings["a"].changes or ()] == ["failed", "gone", "failed"]
    # It was clean when it came back: that is said too.
    clean = continued(gone, Look({"a": Seen("passed")}, day(4)))
    assert clean is not None
    assert not clean.gone_at


def test_first_seen_gone_back_and_accepted_are_told():
    async def scenario(store: MemoryStore) -> None:
        await stored(store, report("C-0057", "C-0013"), day(1))
        await stored(store, report("C-0057"), day(3))
        await stored(store, report("C-0013", accepted=("C-0057",), expires="2027-02-01"), day(5))
        await stored(store, report("C-0057", "C-0013"), day(7))
        found = await told(store)
        privileged, root = (found[f"shop/Deployment/web {id}"] for id in ("C-0057", "C-0013"))
        assert privileged.first_seen == day(1)
        assert privileged.accepted == ((day(5), day(7)),)
        assert privileged.is_there
        assert not privileged.came_back
        assert root.came_back == (day(5),)
        assert [(one.at, one.state) for one in root.changes] == [
            (day(1), "failed"),
            (day(3), "passed"),
            (day(5), "failed"),
        ]
        assert (privileged.severity, privileged.title) == ("critical", "Privileged container")
        # The same once more, as after a restart, changes nothing.
        before = {entry.key: entry.revision for entry in await all_of(store, HISTORIES)}
        await stored(store, report("C-0057", "C-0013"), day(9))
        assert {entry.key: entry.revision for entry in await all_of(store, HISTORIES)} == before

    run(scenario)


def test_what_still_is_accepted_says_until_when():
    async def scenario(store: MemoryStore) -> None:
        await stored(store, report(accepted=("C-0057",), expires="2027-02-01"), day(1))
        (life,) = (await told(store)).values()
        assert life.accepted == ((day(1), "2027-02-01"),)
        await stored(store, report(accepted=("C-0057",), expires="2027-03-01"), day(2))
        (life,) = (await told(store)).values()
        assert life.accepted == ((day(1), "2027-03-01"),)

    run(scenario)


def test_findings_of_an_object_that_is_no_more_have_gone_with_it():
    async def scenario(store: MemoryStore) -> None:
        await stored(store, report("C-0057"), day(1))
        await stored(store, report(resources=(OLD,)), day(4))
        (life,) = (await told(store)).values()
        assert (life.state, life.gone) == ("gone", day(4))
        assert await store.get(Key(SCANS, "shop", "deployment-web")) is None
        await stored(store, report("C-0057"), day(6))
        (life,) = (await told(store)).values()
        assert life.came_back == (day(6),)

    run(scenario)


def test_what_was_stored_before_there_was_a_history_begins_when_it_was_first_seen():
    async def scenario(store: MemoryStore) -> None:
        await stored(store, report("C-0057", "C-0013"), day(1))
        for entry in await all_of(store, HISTORIES):
            await store.delete(entry.key)
        found = await told(store)
        assert {one.first_seen for one in found.values()} == {day(1)}
        await stored(store, report("C-0013"), day(5))
        found = await told(store)
        assert found["shop/Deployment/web C-0057"].gone == day(5)
        assert {one.first_seen for one in found.values()} == {day(1)}
        for entry in await all_of(store, HISTORIES):
            await store.delete(entry.key)
        await stored(store, report(resources=(OLD,)), day(8))
        (life,) = (await told(store)).values()
        assert (life.first_seen, life.gone) == (day(1), day(8))

    run(scenario)


def test_what_other_rules_change_is_not_the_clusters_change():
    async def scenario(store: MemoryStore) -> None:
        full = StoreOptions(is_full=True)
        await store_posture(store, report("C-0057", controls=("C-0057",)), full)
        await store_posture(store, report("C-0057", "C-0013"), full)
        await store_posture(store, report("C-0013"), full)
        found = {life.id: life for life in (await history(store, Asked("cluster", "", *now_days()))).lives}
        assert [(one.state, one.by) for one in found["C-0057"].changes] == [("failed", ""), ("passed", "")]
        assert [(one.state, one.by) for one in found["C-0013"].changes] == [("failed", "rules")]

    run(scenario)


def now_days() -> tuple[date, date]:
    today = datetime.now(UTC).date()
    return today, today


def test_a_day_ends_with_counts_of_each_namespace_and_of_the_cluster():
    async def scenario(store: MemoryStore) -> None:
        made = report("C-0057", accepted=("C-0013",))
        assert await record_days(store, made, Place("leadline", day(1))) == 3
        assert await record_days(store, made, Place("leadline", day(1))) == 0
        await record_days(store, report("C-0057", "C-0016"), Place("leadline", day(2)))
        found = await history(store, Asked("namespace", "shop", date(2027, 1, 1), date(2027, 1, 3)))
        first, second, third = found.days
        assert (first.failed, first.accepted, first.objects) == ({"critical": 1}, 1, 1)
        assert second.total == 2
        assert first.score == pytest.approx(66.67)
        # No one looked on the third: that is no day without findings.
        assert third.failed is None
        assert "1 of the days are not known" in found.notes[0]
        whole = await history(store, Asked("cluster", "", date(2027, 1, 1), date(2027, 1, 1)))
        assert whole.days[0].score == round(made.compliance() or 0, 2) == 83.33
        assert whole.days[0].unread == 0
        keys = {entry.key for entry in await all_of(store, MONTHS)}
        assert keys == {
            Key(MONTHS, "shop", "2027-01"),
            Key(MONTHS, "bank", "2027-01"),
            Key(MONTHS, "leadline", "cluster-2027-01"),
        }

    run(scenario)


def test_rules_are_others_where_controls_or_their_settings_are():
    one = report()
    assert rules_of(one) == rules_of(report("C-0057"))
    assert rules_of(one) != rules_of(report(controls=("C-0057",)))
    assert rules_of(one) != rules_of(structs.replace(one, settings={"a": ("b",)}))


def test_what_is_over_for_two_years_goes_and_what_is_there_stays():
    async def scenario(store: MemoryStore) -> None:
        await stored(store, report("C-0057", resources=(WEB, OLD)), day(1))
        await stored(store, report(resources=(OLD,)), day(2))
        await stored(store, report("C-0013", resources=(OLD,)), day(3))
        await record_days(store, report(), Place("leadline", day(1)))
        assert await forget_old(store, datetime(2028, 12, 31, tzinfo=UTC)) == 0
        assert await forget_old(store, datetime(2029, 3, 1, tzinfo=UTC)) == 4
        assert {entry.key for entry in await all_of(store, HISTORIES)} == {Key(HISTORIES, "bank", "pod-old")}
        assert await all_of(store, MONTHS) == []

    run(scenario)


def test_a_control_and_a_workload_can_be_asked_for_and_nothing_says_so():
    async def scenario(store: MemoryStore) -> None:
        with pytest.raises(SourceError, match="no history of the cluster is stored"):
            await told(store)
        await stored(store, report("C-0057", "C-0013"), day(1))
        await record_days(store, report("C-0057", "C-0013"), Place("leadline", day(1)))
        assert set(await told(store, "C-0057")) == {"shop/Deployment/web C-0057"}
        assert set(await told(store, "c-0057")) == {"shop/Deployment/web C-0057"}
        for name in ("shop/Deployment/web", "shop/web", "Deployment/web"):
            assert len(await told(store, name)) == 2
        assert await told(store, "shop/Pod/web") == {}
        assert len(await told(store, "shop")) == 2
        trend = await history(store, Asked("control", "C-0013", date(2027, 1, 1), date(2027, 1, 2)))
        assert [one.total for one in trend.days] == [1, None]

    run(scenario)


@pytest.mark.parametrize("since", ["7", "7q", "", "2999-01-01", "-1d", "yesterday"])
def test_a_span_that_is_none_is_refused(since: str):
    with pytest.raises(UsageError):
        asked_of("", since, datetime(2027, 1, 31, tzinfo=UTC))


@pytest.mark.parametrize(
    ("since", "first"),
    [("7d", "2027-01-24"), ("2w", "2027-01-17"), ("2027-01-01", "2027-01-01"), ("99999y", "2025-01-30")],
)
def test_a_span_begins_at_a_day_and_two_years_back_at_most(since: str, first: str):
    assert asked_of("", since, datetime(2027, 1, 31, tzinfo=UTC)).since == date.fromisoformat(first)
