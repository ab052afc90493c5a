"""Which of several waivers covers a finding, and what became of each of them in the end."""

from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, date, datetime

from leadline.model.waiver import Waiver, WaiverMatch, WaiverUse
from leadline.waivers.match import (
    Problem,
    Subject,
    is_about,
    is_broad,
    is_on,
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
        self._findings = [0] * len(waivers)
        self._on: dict[tuple[Hashable, bool], list[tuple[int, WaiverMatch]]] = {}

    def find(
        self, problem: Problem, key: Hashable, subjects: Subjects, *, is_every: bool = False
    ) -> int | None:
        """The place of the waiver that covers ``problem``; ``None`` for none.

        ``key`` stands for ``subjects``, which are asked for once. One of them is enough; with ``is_every`` a waiver that
        is limited to some objects has to be about all of them.
        """
        if (key, is_every) not in self._on:
            self._on[key, is_every] = self._matches(subjects(), is_every=is_every)
        first: int | None = None
        counted: set[int] = set()
        for place, match in self._on[key, is_every]:
            waiver = self.waivers[place]
            if place in counted or (waiver.until_fixed and problem.has_fix) or not is_about(match, problem):
                continue
            counted.add(place)
            self._findings[place] += 1
            if first is None and not self._is_over[place]:
                first = place
        return first

    def use(self, place: int) -> int | None:
        """Counts a finding that is known to be covered; ``None`` where the waiver has expired."""
        self._findings[place] += 1
        return None if self._is_over[place] else place

    def uses(self) -> tuple[WaiverUse, ...]:
        """What became of each so far, in their order."""
        return tuple(
            WaiverUse(
                waiver,
                "expired" if is_over else "used" if number else "unused" if is_asked else "not asked",
                number,
                is_broad(waiver),
                None if is_over else days_left(waiver, self._now),
            )
            for waiver, is_over, number, is_asked in zip(
                self.waivers, self._is_over, self._findings, self._is_asked, strict=True
            )
        )

    def _matches(self, subjects: Sequence[Subject], *, is_every: bool) -> list[tuple[int, WaiverMatch]]:
        found = []
        for place, waiver in enumerate(self.waivers):
            # What a comment is about are lines, which only its file can say.
            for match in waiver.matches if waiver.kind != "comment" else ():
                test = all if is_every and needs_objects(match) else any
                if subjects and test(is_on(match, subject) for subject in subjects):
                    found.append((place, match))
        return found


def why_unusable(waiver: Waiver) -> str:
    """Why a waiver cannot be in force; empty where it can."""
    if waiver.expires and moment_of(waiver.expires) is None:
        return f"its end is no date: {waiver.expires[:40]}"
    return problems_of(waiver)


def moment_of(text: str) -> datetime | None:
    """A date is its beginning, a moment without a zone is in UTC; ``None`` for anything else."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_over(waiver: Waiver, now: datetime) -> bool:
    """Whether it no longer holds; one whose end cannot be read does not hold either."""
    if not waiver.expires:
        return False
    moment = moment_of(waiver.expires)
    if moment is None:
        return True
    return moment.date() < now.date() if _is_date(waiver.expires) else moment <= now


def days_left(waiver: Waiver, now: datetime) -> int | None:
    moment = moment_of(waiver.expires) if waiver.expires else None
    return None if moment is None else max(0, (moment.astimezone(UTC).date() - now.date()).days)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
