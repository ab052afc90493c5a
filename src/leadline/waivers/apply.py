"""Which of several waivers covers a finding, and what became of each of them in the end."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from leadline.model.waiver import Waiver, WaiverMatch, WaiverUse
from leadline.waivers.match import (
    Problem,
    Subject,
    any_framework,
    is_about,
    is_broad,
    is_on,
    namespace_of,
    needs_objects,
    problems_of,
)

Subjects = Callable[[], Sequence[Subject]]
IsAsked = Callable[[WaiverMatch], bool]


class Waivers:
    """All waivers of one scan. Those that come first go before others."""

    def __init__(self, waivers: Sequence[Waiver], now: str, is_asked: IsAsked) -> None:
        """``now``: the moment of the scan, RFC 3339 in UTC, or a date. ``is_asked``: whether a match could be about anything."""
        self._is_asked = [any(map(is_asked, waiver.matches)) for waiver in waivers]
        self.waivers = waivers
        self._now = moment_of(now) or datetime.min.replace(tzinfo=UTC)
        self._is_over = [is_over(waiver, self._now) for waiver in waivers]
        self._findings: list[set[Hashable]] = [set() for _ in waivers]
        """What each covers: a problem of one thing is one, in however many places it is."""
        self._entries = [
            _Entry(place, match, match.expires != "" and has_ended(match.expires, self._now))
            for place, waiver in enumerate(waivers)
            # What a comment is about are lines, which only its file can say.
            for match in (waiver.matches if waiver.kind != "comment" else ())
        ]
        self._index = _index(self._entries)
        self._on: dict[tuple[Hashable, bool], list[_Entry]] = {}
        self._alone: dict[Hashable, list[list[_Entry]]] = {}
        """For several objects what is about each."""
        self.has_frameworks = any(entry.match.frameworks for entry in self._entries)
        """Whether some hold in some frameworks alone."""

    def find(
        self, problem: Problem, key: Hashable, subjects: Subjects, *, is_every: bool = False
    ) -> int | None:
        """The place of the waiver that covers ``problem`` in every framework; ``None`` for none.

        ``key`` represents ``subjects``, which are asked for once. One of them is enough; with ``is_every`` a waiver that
        is limited to some objects has to be about all of them, or each of them has one of its own.
        """
        covering = self._covering(problem, key, subjects, is_every=is_every)
        plain = (entry for entry in covering if not entry.match.frameworks)
        place = self._first(plain, (problem, key))
        return self._of_each(problem, key, subjects) if place is None and is_every else place

    def find_in_frameworks(
        self, problem: Problem, key: Hashable, subjects: Subjects, names: Iterable[str]
    ) -> Mapping[str, int]:
        """Of the frameworks called ``names`` those in which a waiver that is limited to some covers ``problem``: its place."""
        limited = [one for one in self._covering(problem, key, subjects) if one.match.frameworks]
        found = {}
        for name in names if limited else ():
            in_one = (one for one in limited if any_framework(one.match, (name,)))
            place = self._first(in_one, (problem, key))
            if place is not None:
                found[name] = place
        return found

    def each(self, problem: Problem, key: Hashable, subjects: Subjects) -> list[int | None]:
        """For each of several objects the place of the first waiver that covers ``problem`` on it; nothing for one alone."""
        if key not in self._alone:
            found = subjects()
            alone = found if len(found) > 1 else ()
            self._alone[key] = [self._matches([one], is_every=False) for one in alone]
        return [
            next((one.place for one in entries if self._holds(one) and is_about(one.match, problem)), None)
            for entries in self._alone[key]
        ]

    def places_about(self, problem: Problem, key: Hashable, subjects: Subjects) -> list[int]:
        """Places of all waivers that are about ``problem``, also of those that have expired. Counts nothing."""
        return list(dict.fromkeys(entry.place for entry in self._covering(problem, key, subjects)))

    def places_on(self, subject: Subject) -> tuple[int, ...]:
        """Places of the waivers that may be about something on ``subject``."""
        return tuple(dict.fromkeys(entry.place for entry in self._matches([subject], is_every=False)))

    def use(self, place: int, finding: Hashable) -> int | None:
        """Counts ``finding``, which is known to be covered; ``None`` where the waiver has expired."""
        self._findings[place].add(finding)
        return None if self._is_over[place] else place

    def uses(self) -> tuple[WaiverUse, ...]:
        """What became of each so far, in their order."""
        return tuple(
            WaiverUse(
                waiver,
                "expired" if is_over else "used" if found else "unused" if is_asked else "not asked",
                len(found),
                is_broad(waiver),
                None if is_over else days_left(waiver, self._now),
            )
            for waiver, is_over, found, is_asked in zip(
                self.waivers, self._is_over, self._findings, self._is_asked, strict=True
            )
        )

    def _first(self, covering: Iterable["_Entry"], finding: Hashable) -> int | None:
        """The place of the first that is in force; each counts ``finding``."""
        first: int | None = None
        for place, _, has_ended_alone in covering:
            if has_ended_alone and not self._is_over[place]:
                continue
            self._findings[place].add(finding)
            if first is None and not self._is_over[place]:
                first = place
        return first

    def _of_each(self, problem: Problem, key: Hashable, subjects: Subjects) -> int | None:
        """The place of the first of several waivers that cover ``problem`` together, each on some of the objects."""
        firsts = self.each(problem, key, subjects)
        places = dict.fromkeys(place for place in firsts if place is not None)
        for place in places:
            self._findings[place].add((problem, key))
        return None if None in firsts else next(iter(places), None)

    def _holds(self, entry: "_Entry") -> bool:
        return not (entry.has_ended or self._is_over[entry.place] or entry.match.frameworks)

    def _covering(
        self, problem: Problem, key: Hashable, subjects: Subjects, *, is_every: bool = False
    ) -> list["_Entry"]:
        if (key, is_every) not in self._on:
            self._on[key, is_every] = self._matches(subjects(), is_every=is_every)
        return [entry for entry in self._on[key, is_every] if is_about(entry.match, problem)]

    def _matches(self, subjects: Sequence[Subject], *, is_every: bool) -> list["_Entry"]:
        found = []
        for number in self._candidates(subjects):
            entry = self._entries[number]
            test = all if is_every and needs_objects(entry.match) else any
            if test(is_on(entry.match, subject) for subject in subjects):
                found.append(entry)
        return found

    def _candidates(self, subjects: Sequence[Subject]) -> list[int]:
        """Numbers of the entries that may be about one of ``subjects``."""
        if not subjects:
            return []
        keys = {
            key for one in subjects for key in (("", ""), ("namespace", namespace_of(one)), ("id", one.id))
        }
        return sorted(number for key in keys for number in self._index.get(key, ()))


class _Entry(NamedTuple):
    place: int
    match: WaiverMatch
    has_ended: bool
    """Alone, whatever its waiver says."""


def _index(entries: Sequence[_Entry]) -> dict[tuple[str, str], list[int]]:
    """Numbers of the entries by an id or a namespace that they are limited to, so that one namespace costs no other."""
    index: dict[tuple[str, str], list[int]] = {}
    for number, (_, match, _) in enumerate(entries):
        keys = _plain(match, "id", match.ids) or _plain(match, "namespace", match.namespaces) or [("", "")]
        for key in dict.fromkeys(keys):
            index.setdefault(key, []).append(number)
    return index


def _plain(match: WaiverMatch, sort: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
    is_plain = match.writing == "exact" or (
        match.writing == "glob" and not any(set("*?[") & set(value) for value in values)
    )
    return [(sort, value) for value in values] if is_plain else []


def why_unusable(waiver: Waiver) -> str:
    """Why a waiver cannot be in force; empty where it can."""
    for expires in (waiver.expires, *(match.expires for match in waiver.matches)):
        if expires and moment_of(expires) is None:
            return f"its end is not a date: {expires[:40]}"
    return problems_of(waiver)


def moment_of(text: str) -> datetime | None:
    """A date is its beginning, a moment without a zone is in UTC; ``None`` for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_over(waiver: Waiver, now: datetime) -> bool:
    """Whether nothing of it holds any longer."""
    if waiver.expires and has_ended(waiver.expires, now):
        return True
    ends = [match.expires for match in waiver.matches]
    return bool(ends) and all(end and has_ended(end, now) for end in ends)


def has_ended(expires: str, now: datetime) -> bool:
    """Whether the end has passed; one that cannot be read has."""
    moment = moment_of(expires)
    if moment is None:
        return True
    return moment.date() < now.date() if _is_date(expires) else moment <= now


def next_end(waivers: Iterable[Waiver], now: datetime) -> datetime | None:
    """When something of ``waivers`` holds no longer that holds now; ``None`` for never."""
    ends = (end for waiver in waivers for end in (waiver.expires, *(one.expires for one in waiver.matches)))
    found = [(moment, _is_date(end)) for end in ends if end and (moment := moment_of(end)) is not None]
    moments = (moment + timedelta(days=1) if is_day else moment for moment, is_day in found)
    return min((moment for moment in moments if moment > now), default=None)


def days_left(waiver: Waiver, now: datetime) -> int | None:
    ends = [one for one in (waiver.expires, *(match.expires for match in waiver.matches)) if one]
    moment = min((found for one in ends if (found := moment_of(one)) is not None), default=None)
    return None if moment is None else max(0, (moment.astimezone(UTC).date() - now.date()).days)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
