"""What a Python program does with a report, beside scanning: each of these is what a command does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import StringIO
from os import PathLike, fspath

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.control import SEVERITIES, Severity
from leadline.model.finding import Finding
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.report import PostureReport
from leadline.model.waiver import WaiverUse
from leadline.outputs.documents.baseline import SeenFinding, baseline_of, encoded_baseline
from leadline.outputs.format_registry import Page, find_format
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import FindingPlaces, file_of, titles_of
from leadline.outputs.rows.remediation import fix as advice_of
from leadline.outputs.text.patch import shown_patch
from leadline.scans.fixing.fix_scan import FixAim, FixResult, agree_to_all, fix_scan, is_safe
from leadline.scans.fixing.working_copy import write_back
from leadline.scans.options import PostureOptions
from leadline.scans.posture.baselines import Compared, compare_sides, compared, read_baseline
from leadline.scans.posture.posture_scan import open_posture_scan, targets_of
from leadline.scans.posture.reaching import Pods, ReachAnswer, reach_answer
from leadline.scans.stored.risks import Ranking, ranking
from leadline.scans.waivers.waiving import entries_of_files
from leadline.version import __version__

Targets = str | PathLike[str] | Sequence[str | PathLike[str]]
Report = PostureReport | ImageReport | ImagesReport


class ShownFinding(Struct, frozen=True):
    """One place of one finding, with the words that every output uses."""

    control: str
    """``C-0057``."""
    severity: Severity
    problem: str
    """``Privileged container``."""
    object: str
    """``shop/Deployment/web``."""
    file: str
    """As it is opened from the folder that the scan ran in; empty for what is in a cluster."""
    line: int
    """Counted from 1; 0 where it is not known."""
    column: int
    advice: str
    """``remove spec.hostNetwork``: what to do, in the words of a terminal."""
    path: str
    """From the root of the object, with dots; empty where an object is to be added."""


class Difference(Struct, frozen=True):
    """What two scans differ in."""

    new: tuple[SeenFinding, ...]
    gone: tuple[SeenFinding, ...]
    not_seen_again: tuple[SeenFinding, ...]
    """Of before; their control judges nothing now, or their file is not read: nothing says that they are gone."""
    unchanged: int
    """Findings that both sides have."""
    not_read: tuple[str, ...]
    """Parts of the new side."""


class Fix(Struct, frozen=True):
    """What a fix edits, or would edit."""

    diff: str
    """Every edit as a unified diff, without secrets."""
    files: tuple[str, ...]
    made: int
    """Edits."""
    risky: tuple[str, ...]
    """Edits that may stop what runs, and are not made without ``risky``: object, edit and why."""
    decisions: int
    """Findings that a person decides about."""
    failed_before: int
    """Findings."""
    failed_after: int


def findings(report: PostureReport) -> tuple[ShownFinding, ...]:
    """Every finding of ``report``, most urgent first as ``report.by_control`` has it; accepted ones are not among them."""
    return tuple(shown_findings(report, in_order(report)))


def in_order(report: PostureReport) -> list[Finding]:
    """The findings of ``report``, most urgent first as ``report.by_control`` has it."""
    rank = {row.control.id: number for number, row in enumerate(report.by_control)}

    def order(one: Finding) -> tuple[int, int]:
        return SEVERITIES.index(one.control_of(report.controls_by_id).severity), rank[one.control]

    return sorted(report.findings, key=order)


def shown_findings(report: PostureReport, found: Sequence[Finding]) -> Iterator[ShownFinding]:
    """``found``, which are of ``report``, with the words that every output uses."""
    controls = report.controls_by_id
    places, title = FindingPlaces(report, NoPlaces()), titles_of(report)
    for one in found:
        control, place = one.control_of(controls), places.find(one)
        yield ShownFinding(
            one.control,
            control.severity,
            control.problem or control.title,
            title(report.resource(one.resource)),
            file_of(places.holder(one)),
            place.line if place else 0,
            place.column if place else 0,
            advice_of(one),
            one.path,
        )


def render(report: Report, format: str, *, width: int = 100, verbose: bool = False) -> str:
    """``report`` in a format that the commands write: ``markdown``, ``html``, ``sarif``, ``pretty``, ``lines`` …

    Raises: ``UsageError`` for an unknown format, or one that is not text.
    """
    known = find_format(format, type(report))
    if known.compiled is not None:
        raise UsageError(f"{format} is not text", hint="render_bytes gives the bytes of its file")
    return _text(report, format, width, verbose=verbose)


def render_bytes(report: Report, format: str) -> bytes:
    """The file that a command writes in that format, ``pdf`` among them.

    Raises: ``UsageError`` for an unknown format, or one whose extra is not installed.
    """
    compiled = find_format(format, type(report)).compiled
    text = _text(report, format, 100, verbose=False)
    return compiled(text) if compiled is not None else text.encode()


def _text(report: Report, format: str, width: int, *, verbose: bool) -> str:
    out = StringIO()
    page = Page(NoPlaces(), width=width, verbose=verbose, at=_now(), version=__version__)
    find_format(format, type(report)).write(report, out, page)
    return out.getvalue()


def fix(
    targets: Targets,
    options: PostureOptions | None = None,
    *,
    min_severity: Severity = "unknown",
    risky: bool = False,
    write: bool = False,
) -> Fix:
    """The edits that make findings go away; files change with ``write`` alone.

    Raises: ``UsageError`` where what is asked for makes no sense, ``SourceError`` where a target cannot be read at all.
    """
    aim = FixAim(least=min_severity, agrees=agree_to_all if risky else is_safe)
    found = fix_scan(targets_of(targets), options or PostureOptions(), aim)
    if write:
        write_back(found.files)
    return Fix(
        "".join(line for file in found.files for line in shown_patch(file)),
        tuple(file.path for file in found.files),
        len(found.made),
        tuple(_risky(found)),
        len(found.decisions),
        found.failed_before,
        found.failed_after,
    )


def _risky(found: FixResult) -> Iterator[str]:
    for one in found.risky:
        yield f"{found.objects[one.on].title}: {advice_of(one.finding)}: {one.risk}"


def diff(
    old: str | PathLike[str], new: str | PathLike[str], options: PostureOptions | None = None
) -> Difference:
    """What is new and gone from ``old`` to ``new``: paths, ``PATH@REVISION``, git addresses, ``cluster``, reports, baselines.

    Raises: ``SourceError`` where a side cannot be read, ``UsageError`` where what is asked for makes no sense.
    """
    return _difference(compare_sides(fspath(old), fspath(new), options or PostureOptions(), _now()))


def _difference(both: Compared) -> Difference:
    found = both.difference
    return Difference(
        tuple(both.new.findings[number] for number in found.new),
        found.gone,
        found.unseen,
        found.numbers.unchanged,
        both.new.unread,
    )


def baseline(report: PostureReport) -> bytes:
    """The file that remembers the findings of ``report``."""
    return encoded_baseline(baseline_of(report, NoPlaces(), _now(), __version__)).encode()


def compare(report: PostureReport, known: str | PathLike[str]) -> PostureReport:
    """``report`` held against the baseline or report in a file: ``.new`` has what that does not know, ``.new_unread`` likewise.

    Raises: ``SourceError`` where the file is neither.
    """
    path = fspath(known)
    return compared(report, NoPlaces(), read_baseline(path), path, _now())


def risk(targets: Targets, options: PostureOptions | None = None, *, top: int = 10) -> Ranking:
    """The ``top`` workloads with most at stake; ``.document()`` has them as JSON does, ``.picture()`` as SVG.

    Raises: as ``scan``, and ``SourceError`` where nothing could be judged.
    """
    return ranking(_with_bodies(targets, replace(options or PostureOptions(), with_fronts=True)), "", top)


def reach(
    targets: Targets,
    source: str,
    destination: str,
    *,
    ports: Sequence[str] = (),
    options: PostureOptions | None = None,
) -> ReachAnswer:
    """Whether network policies let ``shop/web`` connect to ``shop/db``; ``.is_allowed`` says yes for every port asked.

    Raises: as ``scan``, and ``UsageError`` for a name that means no workload or several.
    """
    pods = Pods()
    report = _with_bodies(targets, replace(options or PostureOptions(), observe=pods.observe))
    return reach_answer(report, source, destination, tuple(ports), pods)


def _with_bodies(targets: Targets, options: PostureOptions) -> PostureReport:
    with open_posture_scan(targets_of(targets), options) as scan:
        if scan.why_no_verdict:
            raise SourceError(scan.why_no_verdict)
        return scan.report_with_bodies


def waiver_entries(files: Sequence[str | PathLike[str]]) -> tuple[WaiverUse, ...]:
    """The entries of files of accepted findings, and which have expired or are too broad.

    What they accept is in a report: ``scan`` with ``PostureOptions(waivers=…)``, then ``report.waived``.

    Raises: ``UsageError`` for a file with a mistake, ``SourceError`` where it cannot be read.
    """
    return entries_of_files([fspath(file) for file in files], _now())


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
