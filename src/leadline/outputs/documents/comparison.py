"""Two scans beside each other: what is new, what is known, what is gone, and what can no longer be seen."""

from collections import defaultdict, deque
from collections.abc import Callable

from msgspec import Struct

from leadline.model.unread import PassedOver, UnlistedKinds
from leadline.outputs.documents.baseline import Baseline, SeenFinding, distinct


class Comparison(Struct, frozen=True):
    """Every finding of both scans in one of these."""

    known: tuple[SeenFinding | None, ...]
    """In step with the findings of the newer scan: what each was before; ``None`` for those that are new."""
    gone: tuple[SeenFinding, ...]
    unseen: tuple[SeenFinding, ...]
    """Findings whose control judges nothing any more or gave up on the object, whose file is not read or left out, or whose
    kind a cluster does not list: nothing says that they are gone. So are those that someone accepts now."""
    outside: tuple[SeenFinding, ...]
    """Findings in what the newer scan was not asked to look at: nothing says that they are gone."""
    by_rules: frozenset[int]
    """Positions among the findings of the newer scan of those that are new because their control did not judge before."""

    numbers: "ComparisonNumbers"

    @property
    def new(self) -> tuple[int, ...]:
        """Positions among the findings of the newer scan."""
        return tuple(number for number, old in enumerate(self.known) if old is None)


class ComparisonNumbers(Struct, frozen=True):
    """Findings, each counted once in however many places it is."""

    new: int
    """Those with a place that was not known."""
    unchanged: int
    gone: int
    """Those of before of which nothing is left."""
    unseen: int
    outside: int


class Scope(Struct, frozen=True):
    """How what the newer scan looked at relates to what the older one did."""

    is_outside: Callable[[SeenFinding], bool] = lambda _: False
    """Whether the newer scan was not asked to look at the file of a finding of the older one."""
    as_before: Callable[[str], str] = lambda file: file
    """What the older scan calls a file of the newer one, which begins in another folder."""


def compare(old: Baseline, new: Baseline, scope: Scope = Scope()) -> Comparison:  # noqa: B008
    """Finds for each finding of ``new`` the one of ``old`` that it was.

    First within the same file, then wherever it is now: files may be renamed, lines move. Each is used once, so that
    a second copy of an object is new.
    """
    places: dict[tuple[object, ...], deque[int]] = defaultdict(deque)
    anywhere: dict[tuple[str, ...], deque[int]] = defaultdict(deque)
    for number, seen in enumerate(old.findings):
        places[(*seen.identity, seen.file)].append(number)
        anywhere[seen.identity].append(number)
    used: set[int] = set()
    known: list[SeenFinding | None] = [None] * len(new.findings)
    for number, seen in enumerate(new.findings):
        same = places.get((*seen.identity, scope.as_before(seen.file)))
        if same:
            used.add(same[0])
            known[number] = old.findings[same.popleft()]
    for number, seen in enumerate(new.findings):
        if known[number] is None:
            left = anywhere.get(seen.identity, deque())
            while left and left[0] in used:
                left.popleft()
            if left:
                used.add(left[0])
                known[number] = old.findings[left.popleft()]
    left_over = [seen for number, seen in enumerate(old.findings) if number not in used]
    outside = tuple(filter(scope.is_outside, left_over))
    beyond = set(map(id, outside))
    rest = [seen for seen in left_over if id(seen) not in beyond]
    judges = set(new.controls)
    accepted = {(one.control, one.object) for one in new.accepted}
    undecided = frozenset(new.undecided)
    passed_over = PassedOver((*new.unread, *new.left_out))
    unlisted = UnlistedKinds(new.unlisted)
    unseen = [
        seen
        for seen in rest
        if seen.control not in judges
        or (seen.control, seen.object) in accepted
        or f"{seen.control} {seen.object}" in undecided
        or passed_over.covers(seen.file)
        or (not seen.file and unlisted.covers(*_kind_of(seen.object)))
    ]
    hidden = set(map(id, unseen))
    before = set(old.controls)
    by_rules = frozenset(
        number
        for number, seen in enumerate(new.findings)
        if known[number] is None and before and seen.control not in before
    )
    gone = tuple(s for s in rest if id(s) not in hidden)
    now = distinct(new.findings)
    added = distinct(seen for seen, was in zip(new.findings, known, strict=True) if was is None)
    numbers = ComparisonNumbers(
        len(added),
        len(now - added),
        len(distinct(gone) - now),
        len(distinct(unseen) - now),
        len(distinct(outside) - now),
    )
    return Comparison(tuple(known), gone, tuple(unseen), outside, by_rules, numbers)


def _kind_of(object: str) -> tuple[str, str, str]:
    """Group, kind and namespace of ``apps/Deployment/shop/web``; the kind of a subject may hold anything after its name."""
    group, kind, namespace, *_ = (*object.split("/"), "", "", "")
    return group, kind, namespace
