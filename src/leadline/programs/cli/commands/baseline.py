"""``leadline baseline``: remembers the findings of a scan, so that later ones speak of what is new."""

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.report import PostureReport
from leadline.outputs.documents.baseline import Baseline, baseline_of, distinct, encoded_baseline
from leadline.outputs.format_registry import find_format
from leadline.outputs.text.plain import count, plain
from leadline.posture.catalogue import load_controls
from leadline.programs.cli.options.configured import ConfiguredCommand
from leadline.programs.cli.options.table import CHARTS, CLUSTER, takes
from leadline.programs.cli.output.destinations import Destination, opened, writing
from leadline.programs.cli.output.difference import difference_flags, write_difference
from leadline.programs.cli.output.showing import remark
from leadline.programs.cli.scanning.requests import reading, request_of
from leadline.scans.posture.baselines import carried_on, compare_sides, read_baseline, targets_of_baseline
from leadline.scans.posture.difference import DifferenceForm
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.version import __version__

FILE = "leadline-baseline.json"
EPILOG = """
\b
  leadline baseline save deploy/
      writes leadline-baseline.json
  leadline scan deploy/ --baseline leadline-baseline.json --severity-threshold high
      fails on what is new alone
  leadline baseline show leadline-baseline.json
  leadline baseline compare leadline-baseline.json
      what it remembers and the same target now
  leadline baseline compare monday.json friday.json -f json
"""


@click.group("baseline", epilog=EPILOG)
def command() -> None:
    """Remembers the findings of a scan, so that later ones speak of what is new."""


@command.command("save", cls=ConfiguredCommand, keys="baseline save", targets=lambda flags: flags["paths"])
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    default=FILE,
    show_default=True,
    metavar="FILE",
    help="Write there; - for standard output.",
)
@takes("assume_complete", "exclude_paths", *CLUSTER, *CHARTS, "quiet")
def save(paths: tuple[str, ...], output: str, **flags: Any) -> int:
    """Scans and writes what it finds. First-seen dates of a baseline that is there already are carried on."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    request = replace(request_of((), flags), targets=paths)
    with (
        reading(request, f"scanning {' '.join(paths)}", with_scores=True) as (options, display),
        open_posture_scan(paths, options) as scan,
    ):
        display.end()
        if scan.why_no_verdict:
            raise SourceError(scan.why_no_verdict)
        found = baseline_of(scan.report, scan.places, at, __version__)
    found = replace(found, targets=paths if len(paths) > 1 else ())
    text = encoded_baseline(carried_on(found, output))
    to = Destination(find_format("baseline", PostureReport), "" if output == "-" else output)
    with opened([to]) as (sink,), writing(sink):
        sink.stream.write(text)
    unread = f"; {len(found.unread):,} not read" if found.unread else ""
    number = count(len(distinct(found.findings)), "finding")
    remark(f"{number} remembered{unread}: {output}", quiet=request.quiet)
    return 0


@command.command("show")
@click.argument("file", default=FILE)
def show(file: str) -> int:
    """What a baseline holds, by control."""
    found = read_baseline(file)
    click.echo(
        f"{plain(found.target, 4096)}   {count(len(distinct(found.findings)), 'finding')}, taken {plain(found.at) or 'at an unknown time'}"
    )
    rows = Counter(control for control, _, _ in distinct(found.findings))
    for control, number in sorted(rows.items(), key=lambda row: (-row[1], row[0])):
        oldest = min(
            (s.first_seen for s in found.findings if s.control == control and s.first_seen), default=""
        )
        since = f"   first seen {plain(oldest[:10])}" if oldest else ""
        click.echo(f"{number:7,}  {plain(control)}{since}")
    for where in found.unread:
        click.echo(f"not read  {plain(where, 4096)}")
    return 0


@command.command(
    "compare",
    cls=ConfiguredCommand,
    keys="baseline compare",
    targets=lambda flags: flags["new"],
)
@click.argument("old", default=FILE)
@click.argument("new", metavar="[NEW]...", nargs=-1)
@difference_flags
@takes("assume_complete", "exclude_paths", *CLUSTER, *CHARTS, "quiet")
def compare(old: str, new: tuple[str, ...], format: DifferenceForm, output: str, **flags: Any) -> int:
    """What is new, gone and unchanged since the baseline OLD, and how compliance changed.

    NEW is another baseline, or what is scanned now: paths, or cluster for that of the current context. Left out, it is
    what OLD is about. What OLD is about and NEW leaves out is not looked at, and not gone.
    """
    before = read_baseline(old)
    side = new or targets_of_baseline(before)
    if not side or not (new or all(Path(one).exists() for one in side)):
        raise UsageError(
            f"{old} is about {plain(before.target) or 'no known target'}, which is not a path here",
            hint="name what to compare it with: a baseline, a path, or cluster",
        )
    request = request_of((), flags)
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    with reading(request, f"comparing with {' '.join(side)}", with_scores=True) as (options, _):
        found = compare_sides(before, side, options, at)
    head = f"{_taken(before)}  ->  {_taken(found.new)}"
    controls = {control.id: control for control in load_controls()}
    write_difference(found, controls, format, output, head=head)
    return 0


def _taken(side: Baseline) -> str:
    return f"{plain(side.target, 4096)} at {plain(side.at) or 'an unknown time'}"
