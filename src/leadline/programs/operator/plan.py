"""What is to be done next: pure, out of what there has to be, what is remembered of it, and the time.

Not a queue of events but a state that is asked for: whatever was lost, in whatever order things happened, the next
plan asks for what is still missing. ``Wanted`` says of what there has to be a result, and of which version; a
``Record`` is what the store remembers of it, ``Plan`` what to write and what to start.

Each wanted thing comes to a result or to a reason. Nothing is done twice for one version: who takes a job writes so
before it begins (``taken``), and who ends it writes what came of it (``ended``). A worker that vanished in between is
known by its time, which is then over.
"""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

Phase = Literal["Pending", "Running", "Done", "Unauthorized", "TooLarge", "Failed"]
NEVER = math.inf
"""As the next try: not before something else changes."""
_ANSWERED = ("Done", "Unauthorized", "TooLarge", "Failed")
"""Phases that a place has had its part in, so that it can be reached."""


class Settings(Struct, frozen=True, kw_only=True):
    at_a_time: int = 2
    """Jobs under way together."""
    at_a_time_of_place: int = 2
    """Of these, jobs that ask the same place."""
    gap_s: float = 0.2
    """Between two starts at one place, at least half of it."""
    job_s: float = 900.0
    """How long a job may take; who has not ended it by then is gone."""
    first_wait_s: float = 60.0
    """After a first failure; doubled with each."""
    longest_wait_s: float = 6 * 3600.0
    most_crashes: int = 3
    """Of workers over one thing. Then it is left alone for as long as ``crash_wait_s``."""
    crash_wait_s: float = 24 * 3600.0
    kept_s: float = 24 * 3600.0
    """How long something that is wanted no more is remembered: a pod of a CronJob comes back."""
    most: int = 20_000
    """Things that are looked after. What goes beyond is counted."""


class Wanted(Struct, frozen=True):
    """What there has to be a result of."""

    key: str
    """A digest, or the id of an object."""
    version: str
    """What the result has to be of: the moment of a database, or the version of rules."""
    place: str = ""
    """Who is asked for it, and must not be overrun: the host of a registry. Empty where no one is."""
    circumstances: str = ""
    """What a failure came of: limits, pull secrets. Once they are others, it is tried again at once."""
    is_exposed: bool = False
    """Whether it can be reached from outside the cluster."""


class Record(Struct, frozen=True):
    """What is remembered."""

    key: str
    since: float
    """When it was first wanted. Moments are seconds since 1970."""
    phase: Phase = "Pending"
    why: str = ""
    """Why there is no result, or no newer one."""
    hint: str = ""
    version: str = ""
    """Of the result that there is; empty where there is none."""
    is_kept: bool = False
    """Whether what was fetched is stored, so that a new version asks no one."""
    place: str = ""
    circumstances: str = ""
    tries: int = 0
    """Failures in a row."""
    crashes: int = 0
    next_try: float = 0.0
    place_free_at: float = 0.0
    """Until when its place is to be left alone, because it was busy or could not be reached."""
    started: float = 0.0
    holder: str = ""
    """Who works on it."""
    held_until: float = 0.0
    gone_since: float = 0.0
    """Since when it is wanted no more; 0 where it is."""


class Job(Struct, frozen=True):
    key: str
    version: str
    is_stored: bool
    """Whether what was fetched before is enough."""


class Outcome(Struct, frozen=True):
    """What came of a job."""

    phase: Literal[
        "Done", "Unauthorized", "TooLarge", "Failed", "Busy", "Unreachable", "Crashed", "Lost", "Stopped"
    ]
    """``Lost``: what was fetched before is no longer stored, or cannot be read. ``Stopped``: by us."""
    why: str = ""
    hint: str = ""
    retry_after_s: float = 0.0
    """As the place asks; with ``Busy``."""
    is_kept: bool = False


class Plan(Struct, frozen=True):
    jobs: tuple[Job, ...] = ()
    """To be started now, in this order."""
    records: tuple[Record, ...] = ()
    """To be written."""
    gone: tuple[str, ...] = ()
    """Keys whose records and results are to be deleted."""
    wake: float = NEVER
    """When to plan again, though nothing changes."""
    beyond: int = 0
    """Wanted things that are too many."""


def plan(
    wanted: Sequence[Wanted],
    records: Mapping[str, Record],
    settings: Settings,
    now: float,
    *,
    is_whole: bool = True,
) -> Plan:
    """``is_whole``: ``wanted`` is all there is, so that what is not in it is gone."""
    there = {one.key: one for one in wanted[: settings.most]}
    news: dict[str, Record] = {}
    for key, one in there.items():
        record = records.get(key) or Record(key, now, place=one.place, circumstances=one.circumstances)
        news[key] = _brought_up(record, one, settings, now)
    gone: list[str] = []
    wake = NEVER
    for key, record in records.items():
        if key in there or not is_whole:
            continue
        since = record.gone_since or now
        if now - since >= settings.kept_s and not _is_held(record, now):
            gone.append(key)
        else:
            news[key] = replace(record, gone_since=since)
            wake = min(
                wake, max(since + settings.kept_s, record.held_until if _is_held(record, now) else 0.0)
            )
    trouble = _troubled(news.values(), now)
    news = {key: _waiting(record, there.get(key), trouble, now) for key, record in news.items()}
    jobs, next_start = _chosen(there, news, trouble, settings, now)
    changed = tuple(record for key, record in news.items() if record != records.get(key))
    return Plan(tuple(jobs), changed, tuple(gone), min(wake, next_start), len(wanted) - len(there))


def taken(record: Record, holder: str, settings: Settings, now: float) -> Record:
    """Written before a job begins."""
    until = now + settings.job_s
    return replace(record, phase="Running", holder=holder, started=now, held_until=until)


def ended(record: Record, job: Job, outcome: Outcome, settings: Settings, now: float) -> Record:
    """Written once a job has ended."""
    free = replace(record, holder="", held_until=0.0, why=outcome.why, hint=outcome.hint)
    if outcome.phase == "Done":
        return replace(
            free,
            phase="Done",
            version=job.version,
            is_kept=outcome.is_kept,
            tries=0,
            crashes=0,
            next_try=0.0,
            place_free_at=0.0,
        )
    if outcome.phase == "Stopped":
        return replace(free, phase="Pending", next_try=0.0)
    if outcome.phase == "Lost":
        return replace(free, phase="Pending", is_kept=False, next_try=0.0)
    free = replace(free, tries=record.tries + 1, place_free_at=0.0)
    wait_s = _wait_s(free, settings)
    match outcome.phase:
        case "Busy" | "Unreachable":
            # Not the image's fault: it stays where it was in the queue, and its place is left alone.
            free_at = now + max(min(outcome.retry_after_s, settings.longest_wait_s), wait_s)
            return replace(free, phase="Pending", next_try=free_at, place_free_at=free_at)
        case "TooLarge":
            return replace(free, phase="TooLarge", next_try=NEVER)
        case "Crashed":
            return _crashed(free, outcome.why, settings, now)
        case _:
            return replace(free, phase=outcome.phase, next_try=now + wait_s)


def due_now(record: Record) -> Record:
    """As if it had not been tried yet; what is under way or done stays as it is."""
    if record.phase in ("Running", "Done"):
        return record
    return replace(record, phase="Pending", tries=0, crashes=0, next_try=0.0, place_free_at=0.0)


def abandoned(record: Record, settings: Settings, now: float) -> Record:
    """What was taken by someone who is known to have ended without a word."""
    lost = replace(record, holder="", held_until=0.0, tries=record.tries + 1)
    return _crashed(lost, "the scanner ended while it worked on it", settings, now)


def _crashed(record: Record, why: str, settings: Settings, now: float) -> Record:
    record = replace(record, crashes=record.crashes + 1, why=why)
    if record.crashes >= settings.most_crashes:
        return replace(record, phase="Failed", next_try=now + settings.crash_wait_s)
    return replace(record, phase="Pending", next_try=now + _wait_s(record, settings))


def _brought_up(record: Record, one: Wanted, settings: Settings, now: float) -> Record:
    """The record as of now: what was lost is given up, and other circumstances are another chance."""
    if record.phase == "Running" and record.held_until <= now:
        record = abandoned(record, settings, now)
    record = replace(record, gone_since=0.0)
    if record.phase == "Running" or (record.place, record.circumstances) == (one.place, one.circumstances):
        return record
    record = replace(record, place=one.place, circumstances=one.circumstances)
    if record.phase == "Done":
        return record
    return replace(
        record, phase="Pending", why="", hint="", tries=0, crashes=0, next_try=0.0, place_free_at=0.0
    )


def _is_held(record: Record, now: float) -> bool:
    return record.phase == "Running" and record.held_until > now


def _troubled(records: Iterable[Record], now: float) -> dict[str, Record]:
    """For each place that was busy or away when it was last asked, the record that knows longest."""
    found: dict[str, Record] = {}
    answered: dict[str, float] = defaultdict(float)
    for record in records:
        if record.phase in _ANSWERED and record.place:
            answered[record.place] = max(answered[record.place], record.started)
        if record.place_free_at and record.place:
            known = found.get(record.place)
            if known is None or record.place_free_at > known.place_free_at:
                found[record.place] = record
    return {place: record for place, record in found.items() if answered[place] <= record.started}


def _waiting(record: Record, one: Wanted | None, trouble: Mapping[str, Record], now: float) -> Record:
    """A record that waits for its place says so."""
    if one is None or record.phase != "Pending" or record.tries or record.is_kept:
        return record
    blocking = trouble.get(record.place)
    if blocking is not None and blocking.place_free_at > now:
        why = f"waits for {record.place}: {blocking.why}"
        return replace(record, why=why, hint=blocking.hint, next_try=blocking.place_free_at)
    return replace(record, why="", hint="", next_try=0.0) if record.next_try else record


def _chosen(
    wanted: Mapping[str, Wanted],
    records: Mapping[str, Record],
    trouble: Mapping[str, Record],
    settings: Settings,
    now: float,
) -> tuple[list[Job], float]:
    """What is started now, and when the next may be."""
    held = [record for record in records.values() if _is_held(record, now)]
    left = settings.at_a_time - len(held)
    at_place = Counter(record.place for record in held)
    last_start: dict[str, float] = defaultdict(float)
    for record in records.values():
        last_start[record.place] = max(last_start[record.place], record.started)
    wake = min((record.held_until for record in held), default=NEVER)
    jobs: list[Job] = []
    open_: list[tuple[Wanted, Record]] = [
        (one, records[key]) for key, one in wanted.items() if _is_missing(one, records[key])
    ]
    for one, record in sorted(open_, key=lambda pair: _rank(pair[0], pair[1], trouble)):
        if record.next_try > now:
            wake = min(wake, record.next_try)
            continue
        job = Job(one.key, one.version, record.is_kept)
        if not job.is_stored and one.place:
            gap_s = settings.gap_s * _jitter(record)
            after_start = last_start[one.place] + gap_s if last_start[one.place] else 0.0
            blocking = trouble.get(one.place)
            free_at = max(after_start, blocking.place_free_at if blocking else 0.0)
            if free_at > now:
                wake = min(wake, free_at)
                continue
            # Who is in trouble is asked by one alone.
            most = 1 if one.place in trouble else settings.at_a_time_of_place
            if at_place[one.place] >= most:
                continue
        if left <= 0:
            break
        left -= 1
        jobs.append(job)
        if not job.is_stored:
            at_place[one.place] += 1
            last_start[one.place] = now
    return jobs, wake


def _is_missing(one: Wanted, record: Record) -> bool:
    if record.phase == "Running":
        return False
    return record.phase != "Done" or record.version != one.version


def _rank(one: Wanted, record: Record, trouble: Mapping[str, Record]) -> tuple[object, ...]:
    """What never had a result first, of such alike what is exposed, then what has waited longest.

    At a place in trouble the one goes first that found it so: its waits have grown, those of others begin again.
    """
    probe = trouble.get(one.place)
    is_probe = probe is not None and probe.key == record.key
    return (
        record.tries > 0 and not is_probe,
        bool(record.version),
        not is_probe,
        not one.is_exposed,
        record.since,
        record.key,
    )


def _wait_s(record: Record, settings: Settings) -> float:
    """After so many failures in a row."""
    doubled = settings.first_wait_s * 2.0 ** min(record.tries - 1, 30)
    return min(doubled, settings.longest_wait_s) * _jitter(record)


def _jitter(record: Record) -> float:
    """From a half to one, another for each try: the same for the same, so that a plan can be worked out again."""
    drawn = hashlib.blake2b(f"{record.key} {record.tries}".encode(), digest_size=4).digest()
    return 0.5 + int.from_bytes(drawn, "big") / 2**33
