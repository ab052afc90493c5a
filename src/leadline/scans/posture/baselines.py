"""Reports held against an earlier scan: a baseline, a report, a revision of the repository, another target."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.report import BaselineUse, PostureReport
from leadline.model.waiver import Waiver
from leadline.outputs.documents.baseline import (
    LARGEST_BYTES,
    Baseline,
    SeenFinding,
    baseline_of,
    decoded_baseline,
    with_first_seen,
)
from leadline.outputs.documents.comparison import Comparison, Scope, compare
from leadline.outputs.documents.report_document import decode, is_report
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import FindingPlaces, ShownPlaces
from leadline.scans.options import ChartRendering, PostureOptions
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.waivers.before_change import (
    Acceptance,
    BeforeChange,
    accepted_in,
    changed_files,
    waivers_before,
)
from leadline.sources.git.revision import files_at_revision, path_at_revision
from leadline.sources.manifests.files import absolute, root_of
from leadline.sources.regular_file import is_regular, read_given, read_regular
from leadline.version import __version__

CLUSTER = "cluster"
"""The name of a side of a comparison that is the cluster of the current context."""


class Compared(Struct, frozen=True):
    """Two scans and how they differ."""

    old: Baseline
    new: Baseline
    difference: Comparison
    lines: tuple[int, ...] = ()
    """In step with the findings of the newer scan, the line of each; empty where they are not known."""


def read_baseline(path: str) -> Baseline:
    """The baseline in a file, or that of the report in it.

    Raises: ``SourceError`` where it cannot be read or is neither.
    """
    content = read_given(path, LARGEST_BYTES)
    if not is_report(content):
        return decoded_baseline(content, path)
    report = decode(content)
    if not isinstance(report, PostureReport):
        raise SourceError(f"{path} is the report of an image", hint="leadline image diff compares images")
    return baseline_of(report, NoPlaces(), "", "")


class Before(Struct, frozen=True):
    """What there was before a change."""

    baseline: Baseline
    accepted: BeforeChange


def baseline_at(targets: Sequence[str], revision: str, options: PostureOptions) -> Baseline:
    """What a scan of the one target finds at a revision of its repository; nothing where it was not there yet.

    Raises: ``UsageError`` for several targets, ``SourceError`` without a repository or such a revision.
    """
    return _scanned_at(one_target(targets), revision, options)[0]


def before_change(
    targets: Sequence[str],
    revision: str,
    options: PostureOptions,
    settings: Sequence[str],
    *,
    is_approved: bool,
) -> Before:
    """What a scan of the one target finds at a revision of its repository, and what was accepted there.

    ``settings``: files of settings that are not as they were. ``is_approved``: whether what the change accepts counts.

    Raises: as ``baseline_at``, and as ``waivers_before``.
    """
    target = one_target(targets)
    files = files_at_revision(target, revision, options.environ)
    asked = options.waivers
    given = waivers_before(files, asked)
    options = replace(options, given_waivers=given, waivers=())
    baseline, own, accepted = _scanned_at(target, revision, options)
    folders = (target,) if Path(target).is_dir() else ()
    changed = (*settings, *changed_files(files, asked, folders))
    return Before(
        baseline, BeforeChange(revision, files, (*given, *own), accepted, changed, is_approved=is_approved)
    )


def one_target(targets: Sequence[str]) -> str:
    """The one that can be compared with a revision. Raises: ``UsageError`` for another number of them, and standard input."""
    if len(targets) != 1 or targets[0] == "-":
        raise UsageError("a revision is compared with one file or folder", hint="name one")
    return targets[0]


def _scanned_at(
    target: str, revision: str, options: PostureOptions
) -> tuple[Baseline, tuple[Waiver, ...], Mapping[Acceptance, int]]:
    """What was found, what came with the target to accept some of it, and how much comments and others accepted."""
    was = path_at_revision(target, revision, options.environ)
    if not was.address:
        return Baseline(()), (), {}
    asked = tuple(_within(one, was.top) for one in options.charts.renderings)
    options = replace(options, charts=replace(options.charts, renderings=asked))
    with open_posture_scan((was.address,), options) as scan:
        found = baseline_of(scan.report, scan.places, "", __version__)
        waivers = (use.waiver for use in scan.report.waivers)
        own = tuple(one for one in waivers if one.is_from_target and one.kind != "comment")
        accepted = accepted_in(scan.report, scan.places)
    # There the paths begin at the top of the repository, here with the target.
    unread = (os.path.join(target, os.path.relpath(where, was.inside)) for where in found.unread)  # noqa: PTH118
    return replace(found, unread=tuple(unread)), own, accepted


def _within(asked: ChartRendering, top: str) -> ChartRendering:
    """``asked`` with what lies in the repository relative to its top, so that it is found in a checkout as well."""
    paths = [os.path.relpath(os.path.realpath(path), top) for path in (asked.chart, *asked.values)]
    chart, *values = (
        path if inside.startswith("..") else inside
        for path, inside in zip((asked.chart, *asked.values), paths, strict=True)
    )
    return replace(asked, chart=chart, values=tuple(values))


def scanned(
    targets: tuple[str, ...], options: PostureOptions, at: str = ""
) -> tuple[Baseline, tuple[int, ...]]:
    """What a scan of ``targets`` finds: paths, a git address, or ``cluster``; with the lines of its findings.

    Raises: ``LeadlineError`` of every kind.
    """
    with open_posture_scan(() if targets == (CLUSTER,) else targets, options) as scan:
        if scan.why_no_verdict and scan.report.unread:
            raise SourceError(scan.why_no_verdict)
        found = baseline_of(scan.report, scan.places, at, __version__)
        places = FindingPlaces(scan.report, scan.places)
        few = scan.report.findings[:_MOST_PLACES]
        lines = tuple(place.line if (place := places.find(one)) else 0 for one in few)
    kept = targets if len(targets) > 1 else ()
    return replace(found, targets=kept), lines


_MOST_PLACES = 20_000
"""Findings whose lines are looked up, some seconds."""


def targets_of_baseline(baseline: Baseline) -> tuple[str, ...]:
    """The paths that it is about; empty for a cluster, a report of elsewhere, and what is not known."""
    if baseline.targets:
        return baseline.targets
    whole = baseline.target
    if not whole or Path(whole).exists():
        return (whole,) if whole else ()
    # Written before several were kept apart.
    parts = tuple(whole.split())
    return parts if all(Path(part).exists() for part in parts) else ()


def scope_of(old: Baseline, new: Baseline) -> Scope:
    """Of a scan that is about a part of what ``old`` is about: what of ``old`` it did not look at."""
    before, now = (tuple(map(absolute, targets_of_baseline(one))) for one in (old, new))
    if not before or not now or not all(any(_is_below(one, above) for above in before) for one in now):
        return Scope()
    old_root, new_root = (absolute(root_of(targets_of_baseline(one))) for one in (old, new))

    def is_outside(seen: SeenFinding) -> bool:
        # Of what is rendered the chart or the folder of the kustomization is what was asked for.
        names = [_joined(old_root, name) for name in seen.file.split(":") if name]
        return bool(names) and not any(
            _is_below(name, one) or _is_below(one, name) for name in names for one in now
        )

    def as_before(file: str) -> str:
        if old_root == new_root:
            return file
        return ":".join(os.path.relpath(_joined(new_root, name), old_root) for name in file.split(":"))

    return Scope(is_outside, as_before)


def _joined(root: str, name: str) -> str:
    return os.path.normpath(os.path.join(root, name))  # noqa: PTH118


def _is_below(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above.rstrip(os.sep)}{os.sep}")


def compared(report: PostureReport, places: ShownPlaces, old: Baseline, name: str, at: str) -> PostureReport:
    """``report`` with what of it ``old``, called ``name``, knows."""
    new = baseline_of(report, places, at, __version__)
    difference = compare(old, new, scope_of(old, new))
    dated = with_first_seen(new.findings, difference.known)
    return replace(
        report,
        baseline=BaselineUse(
            name=name,
            at=old.at,
            known=tuple(number for number, one in enumerate(difference.known) if one is not None),
            first_seen=tuple(one.first_seen for one in dated),
            by_rules=tuple(sorted(difference.by_rules)),
            known_unread=_known_unread(old, new),
            gone=difference.numbers.gone,
            unseen=difference.numbers.unseen + difference.numbers.outside,
        ),
    )


def _known_unread(old: Baseline, new: Baseline) -> tuple[int, ...]:
    """Positions of what was not read before either."""
    before = {os.path.normpath(where) for where in old.unread}
    return tuple(i for i, where in enumerate(new.unread) if os.path.normpath(where) in before)


def compare_sides(
    old: str | Baseline, new: str | Sequence[str], options: PostureOptions, at: str
) -> Compared:
    """Compares files of reports or baselines, paths, ``PATH@REVISION``, git addresses and ``cluster``; several paths are one side.

    Raises: ``LeadlineError`` of every kind.
    """
    before = side_of(old, options, at)[0] if isinstance(old, str) else old
    if isinstance(new, str) or len(new) == 1:
        after, lines = side_of(new if isinstance(new, str) else new[0], options, at)
    else:
        after, lines = scanned(tuple(new), options, at)
    if not any(side.controls or side.findings for side in (before, after)):
        names = " and ".join(dict.fromkeys((before.target, after.target)))
        raise SourceError(f"nothing was judged in {names}", hint="name what holds Kubernetes objects")
    return Compared(before, after, compare(before, after, scope_of(before, after)), lines)


def side_of(name: str, options: PostureOptions, at: str) -> tuple[Baseline, tuple[int, ...]]:
    """One side of a comparison: a file of a report or baseline, a path, ``PATH@REVISION``, a git address, ``cluster``.

    With the lines of its findings, as ``Compared.lines``.

    Raises: ``LeadlineError`` of every kind.
    """
    if is_ours(name):
        return read_baseline(name), ()
    path, revision = revision_of(name)
    if revision:
        return replace(baseline_at((path,), revision, options), target=name), ()
    return scanned((name,), options, at)


def is_ours(path: str) -> bool:
    """Whether it is the file of a report or a baseline rather than a manifest."""
    if not path.endswith(".json") or not is_regular(path):
        return False
    try:
        return b'"leadline-' in read_regular(path, 200)
    except OSError:
        return False


def revision_of(name: str) -> tuple[str, str]:
    """Path and revision of ``deploy/@main``; without a revision what is a path or an address itself."""
    path, mark, revision = name.rpartition("@")
    path = path or "."
    if mark and "://" not in name and not Path(name).exists() and Path(path).exists():
        return path, revision
    return name, ""


def carried_on(found: Baseline, path: str) -> Baseline:
    """``found`` with the first-seen dates of the baseline that ``path`` holds already, if it holds one."""
    if not is_regular(path):
        return found
    try:
        old = read_baseline(path)
    except SourceError:
        return found
    return replace(found, findings=with_first_seen(found.findings, compare(old, found).known))
