import math
from typing import Any

import pytest
from msgspec.structs import replace

from leadline.programs.operator.plan import (
    NEVER,
    Job,
    Outcome,
    Record,
    Settings,
    Wanted,
    ended,
    plan,
    taken,
)

NOW = 1_000_000.0
ALONE = Settings(gap_s=0.0, at_a_time=10, at_a_time_of_place=10)


def wanted(key: str, **fields: Any) -> Wanted:
    return Wanted(key, **{"version": "db1", "place": "quay.io", **fields})


def record(key: str, **fields: Any) -> Record:
    return Record(key, **{"since": NOW - 1000, "place": "quay.io", **fields})


DONE = record("a", phase="Done", version="db1", is_kept=True)
DENIED = record("a", phase="Unauthorized", why="no", tries=1, next_try=NOW + 60, circumstances="secrets off")
RUNNING = record("a", phase="Running", holder="me", started=NOW - 10, held_until=NOW + 10)

# What is remembered of the one thing that is wanted, how it is wanted, and the jobs that come of it.
TABLE: dict[str, tuple[Record | None, Wanted, list[Job]]] = {
    "new": (None, wanted("a"), [Job("a", "db1", False)]),
    "done": (DONE, wanted("a"), []),
    "a new database needs no registry": (DONE, wanted("a", version="db2"), [Job("a", "db2", True)]),
    "what was not kept is fetched": (
        replace(DONE, is_kept=False),
        wanted("a", version="db2"),
        [Job("a", "db2", False)],
    ),
    "under way": (RUNNING, wanted("a"), []),
    "its time is not over": (RUNNING, wanted("a", version="db2"), []),
    "waits for its next try": (DENIED, wanted("a", circumstances="secrets off"), []),
    "its next try has come": (
        replace(DENIED, next_try=NOW),
        wanted("a", circumstances="secrets off"),
        [Job("a", "db1", False)],
    ),
    "other circumstances are another chance": (
        DENIED,
        wanted("a", circumstances="secrets on"),
        [Job("a", "db1", False)],
    ),
    "too large for good": (
        record("a", phase="TooLarge", next_try=NEVER, circumstances="1 GiB"),
        wanted("a", circumstances="1 GiB"),
        [],
    ),
    "a larger limit": (
        record("a", phase="TooLarge", next_try=NEVER, circumstances="1 GiB"),
        wanted("a", circumstances="2 GiB"),
        [Job("a", "db1", False)],
    ),
    "its place is left alone": (
        record("a", next_try=NOW + 5, place_free_at=NOW + 5, started=NOW - 1, tries=1),
        wanted("a"),
        [],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_what_is_missing_is_started(case: str) -> None:
    remembered, one, jobs = TABLE[case]
    records = {remembered.key: remembered} if remembered else {}
    assert list(plan([one], records, ALONE, NOW).jobs) == jobs


# A job and what came of it, and what is remembered then.
OUTCOMES: dict[str, tuple[Outcome, dict[str, Any]]] = {
    "done": (Outcome("Done", is_kept=True), {"phase": "Done", "version": "db1", "is_kept": True, "tries": 0}),
    "unauthorized": (Outcome("Unauthorized", "no"), {"phase": "Unauthorized", "why": "no", "tries": 1}),
    "too large": (Outcome("TooLarge", "9 GiB"), {"phase": "TooLarge", "next_try": NEVER}),
    "failed": (Outcome("Failed", "odd"), {"phase": "Failed", "why": "odd", "tries": 1}),
    "busy": (
        Outcome("Busy", "later", retry_after_s=500),
        {"phase": "Pending", "next_try": NOW + 500, "place_free_at": NOW + 500},
    ),
    "away": (Outcome("Unreachable", "refused"), {"phase": "Pending", "why": "refused", "tries": 1}),
    "crashed": (Outcome("Crashed", "killed"), {"phase": "Pending", "crashes": 1}),
    "stopped by us": (Outcome("Stopped"), {"phase": "Pending", "tries": 0, "next_try": 0.0}),
    "what was stored is gone": (Outcome("Lost", "gone"), {"phase": "Pending", "is_kept": False, "tries": 0}),
}


@pytest.mark.parametrize("case", OUTCOMES)
def test_what_came_of_a_job_is_remembered(case: str) -> None:
    outcome, expected = OUTCOMES[case]
    before = taken(record("a"), "me", ALONE, NOW)
    after = ended(before, Job("a", "db1", False), outcome, ALONE, NOW)
    assert {name: getattr(after, name) for name in expected} == expected
    assert after.holder == ""
    assert not math.isinf(after.next_try) or after.phase == "TooLarge"


def test_new_and_exposed_ones_go_first_and_those_that_failed_last() -> None:
    records = {
        "retried": record("retried", phase="Failed", tries=2, next_try=NOW - 1),
        "rematched": record("rematched", phase="Done", version="db0", is_kept=True),
        "old": record("old", since=NOW - 5000),
    }
    wishes = [
        wanted("retried"),
        wanted("rematched"),
        wanted("new"),
        wanted("old"),
        wanted("exposed", is_exposed=True),
    ]
    jobs = plan(wishes, records, ALONE, NOW).jobs
    assert [job.key for job in jobs] == ["exposed", "old", "new", "rematched", "retried"]


def test_no_more_are_started_than_may_be_under_way() -> None:
    settings = Settings(at_a_time=3, at_a_time_of_place=10, gap_s=0.0)
    records = {"a": RUNNING}
    found = plan([wanted("a"), *(wanted(f"b{n}") for n in range(5))], records, settings, NOW)
    assert len(found.jobs) == 2
    assert found.wake == RUNNING.held_until


def test_one_registry_is_asked_by_few_and_others_meanwhile() -> None:
    settings = Settings(at_a_time=10, at_a_time_of_place=2, gap_s=0.0)
    wishes = [wanted(f"q{n}") for n in range(5)] + [wanted("d", place="docker.io")]
    jobs = plan(wishes, {}, settings, NOW).jobs
    assert sorted(job.key for job in jobs) == ["d", "q0", "q1"]


def test_starts_at_one_registry_are_some_time_apart() -> None:
    settings = Settings(at_a_time=10, at_a_time_of_place=10, gap_s=4.0)
    found = plan([wanted("a"), wanted("b")], {}, settings, NOW)
    assert len(found.jobs) == 1
    assert NOW + 2.0 <= found.wake <= NOW + 4.0


def test_a_busy_registry_is_left_alone_by_all_and_each_says_so() -> None:
    busy = record(
        "a", why="allows no more", next_try=NOW + 90, place_free_at=NOW + 90, started=NOW - 1, tries=1
    )
    found = plan([wanted("a"), wanted("b"), wanted("c", place="docker.io")], {"a": busy}, ALONE, NOW)
    assert [job.key for job in found.jobs] == ["c"]
    waiting = next(one for one in found.records if one.key == "b")
    assert (waiting.phase, waiting.why) == ("Pending", "waits for quay.io: allows no more")
    assert waiting.next_try == found.wake == NOW + 90


def test_a_registry_that_was_away_is_tried_by_one_alone_whose_waits_grow() -> None:
    records: dict[str, Record] = {}
    wishes = [wanted(f"k{n}") for n in range(5)]
    now, tried, waits = NOW, [], []
    for _ in range(6):
        found = plan(wishes, records, ALONE, now)
        records |= {one.key: one for one in found.records}
        if not tried:
            found = replace(found, jobs=found.jobs[:1])
        (job,) = found.jobs
        tried.append(job.key)
        records[job.key] = ended(
            taken(records[job.key], "me", ALONE, now), job, Outcome("Unreachable", "refused"), ALONE, now
        )
        later = plan(wishes, records, ALONE, now).wake
        waits.append(later - now)
        now = later
    assert set(tried) == {"k0"}
    assert all(later > earlier for earlier, later in zip(waits, waits[2:], strict=False))
    # Once it answers, all others follow at once.
    found = plan(wishes, records, ALONE, now)
    (job,) = found.jobs
    records |= {one.key: one for one in found.records}
    records["k0"] = ended(
        taken(records["k0"], "me", ALONE, now), job, Outcome("Unauthorized", "no"), ALONE, now
    )
    assert [one.key for one in plan(wishes, records, ALONE, now + 1).jobs] == ["k1", "k2", "k3", "k4"]


def test_who_took_it_and_vanished_is_known_by_the_time() -> None:
    lost = replace(RUNNING, held_until=NOW - 1)
    (after,) = plan([wanted("a")], {"a": lost}, ALONE, NOW).records
    assert (after.phase, after.tries, after.crashes) == ("Pending", 1, 1)
    assert after.why
    assert after.next_try > NOW


def test_what_breaks_every_worker_is_left_alone_for_a_day() -> None:
    one = record("a")
    for _ in range(ALONE.most_crashes):
        one = ended(
            taken(one, "me", ALONE, NOW), Job("a", "db1", False), Outcome("Crashed", "killed"), ALONE, NOW
        )
    assert one.phase == "Failed"
    assert one.next_try == NOW + ALONE.crash_wait_s


def test_what_is_wanted_no_more_is_kept_for_a_while() -> None:
    found = plan([], {"a": DONE}, ALONE, NOW)
    (kept,) = found.records
    assert (found.gone, kept.gone_since, found.wake) == ((), NOW, NOW + ALONE.kept_s)
    later = NOW + ALONE.kept_s
    assert plan([], {"a": kept}, ALONE, later).gone == ("a",)
    assert plan([], {"a": kept}, ALONE, later, is_whole=False).gone == ()
    (back,) = plan([wanted("a")], {"a": kept}, ALONE, later).records
    assert back == DONE


def test_what_is_too_much_is_counted() -> None:
    found = plan([wanted(f"k{n}") for n in range(30)], {}, replace(ALONE, most=20), NOW)
    assert found.beyond == 10
    assert len(found.records) == 20


def test_a_plan_that_is_carried_out_asks_for_no_more_writes() -> None:
    wishes = [wanted("a"), wanted("b")]
    records = {one.key: one for one in plan(wishes, {}, ALONE, NOW).records}
    assert plan(wishes, records, ALONE, NOW + 1).records == ()
