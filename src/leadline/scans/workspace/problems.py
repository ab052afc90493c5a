"""What is to be said at one place of a file: one problem for each edit, with every control that asks for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from leadline.model.control import Severity
from leadline.model.finding import Finding, Place
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.rows.edit_rows import EditRow, edit_rows
from leadline.outputs.rows.objects_elsewhere import MOST_NAMED, causes
from leadline.outputs.rows.place import FindingPlaces, steering, titles_of
from leadline.outputs.rows.remediation import control_text, fix
from leadline.outputs.text.plain import plain
from leadline.scans.posture.watch_scan import ScanPart

_NOWHERE = Place("", 1, 1, exact=False)
_LONGEST = 1_000
"""Characters of a message."""


class Elsewhere(Struct, frozen=True):
    """A place in another file that a problem rests on."""

    file: str
    """Absolute."""
    line: int
    """Counted from 1."""
    text: str


class Problem(Struct, frozen=True):
    """One edit that is asked for, and where. Its texts hold no secrets."""

    file: str
    """Absolute."""
    line: int
    """Counted from 1."""
    column: int
    """Counted from 1, in characters."""
    severity: Severity
    controls: tuple[str, ...]
    """Ids, most urgent first."""
    message: str
    link: str = ""
    related: tuple[Elsewhere, ...] = ()
    findings: tuple[Finding, ...] = ()
    """Those that ask for it, as they were judged: to work with and never to show."""
    is_exact: bool = True
    """False where what is asked for has no line yet: the place is that of the nearest parent."""
    is_known: bool = False
    """Whether the baseline has it."""


def problems_of(
    part: ScanPart, homes: Mapping[str, Resource], is_known: Callable[[ScanPart], Sequence[bool]]
) -> Iterator[Problem]:
    """One for each edit that ``part`` asks for. ``homes``, by what an edit is on, are the objects of which it is said."""
    report = part.report
    places = FindingPlaces(report, part.places)
    title = titles_of(report)
    known = dict(zip(map(id, report.findings), is_known(part), strict=True))
    raw: dict[tuple[object, ...], list[Finding]] = {}
    all_known: dict[tuple[object, ...], bool] = {}
    for shown, finding in zip(report.findings, part.raw.findings, strict=True):
        raw.setdefault(shown.edit, []).append(finding)
        all_known[shown.edit] = all_known.get(shown.edit, True) and known[id(shown)]
    for row in edit_rows(report, places):
        holder = places.holder(row.finding)
        place = row.place or _NOWHERE
        findings = tuple(raw[row.finding.edit])
        yield Problem(
            holder.origin.file or homes[findings[0].on].origin.file,
            place.line,
            place.column,
            row.severity,
            tuple(plain(control.id) for control in row.controls),
            _message(row, steering(holder, place)),
            next(iter(control_text(row.controls[0]).links), ""),
            tuple(_related(row, part, places, title)),
            findings,
            place.exact,
            all_known[row.finding.edit],
        )


def _message(row: EditRow, by: str) -> str:
    text = f"{plain(row.problem)}: {fix(row.finding)}{f' ({by})' if by else ''}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _related(
    row: EditRow,
    part: ScanPart,
    places: FindingPlaces,
    title: Callable[..., str],
) -> Iterator[Elsewhere]:
    for other in causes(row.finding, part.report)[:MOST_NAMED]:
        start = places.start(other)
        if start is not None:
            yield Elsewhere(other.origin.file, start.line, title(other))


class Judged(Struct, frozen=True):
    """All there is to say about one file."""

    problems: tuple[Problem, ...] = ()
    """By place."""
    unread: tuple[Unread, ...] = ()
    """What of it could not be read; lines as they are now."""
    is_current: bool = True
    """False while some of it is about what stood there before it broke."""
    more: int = 0
    """Findings of the file beyond those that are shown."""
