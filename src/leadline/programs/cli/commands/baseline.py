"""``leadline baseline``: remembers the findings of a scan, so that later ones speak of what is new."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import click
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.model.report import PostureReport
from leadline.outputs.baseline import baseline_of, encoded_baseline
from leadline.outputs.format_registry import find_format
from leadline.outputs.plain import count, plain
from leadline.programs.cli.configuration.configured import configured
from leadline.programs.cli.destinations import Destination, opened
from leadline.programs.cli.flags import chart_flags, cluster_flags, complete_flag, path_flag, quiet_flag
from leadline.programs.cli.progress import progress
from leadline.programs.cli.scan_request import options_of, request_without_report
from leadline.scans.baselines import carried_on, read_baseline
from leadline.scans.posture_scan import open_posture_scan
from leadline.version import __version__

FILE = "leadline-baseline.json"
EPILOG = """
\b
  leadline baseline save deploy/
      writes leadline-baseline.json
  leadline scan deploy/ --baseline leadline-baseline.json --severity-threshold high
      fails on what is new alone
  leadline baseline show leadline-baseline.json
"""


@click.group("baseline", epilog=EPILOG)
def command() -> None:
    """Remembers the findings of a scan, so that later ones speak of what is new."""


@command.command("save")
@click.argument("paths", metavar="[PATH]...", nargs=-1)
@click.option(
    "-o",
    "--output",
    default=FILE,
    show_default=True,
    metavar="FILE",
    help="Write there; - for standard output.",
)
@complete_flag
@path_flag
@cluster_flags
@chart_flags
@quiet_flag
@configured("baseline save", lambda flags: flags["paths"])
def save(paths: tuple[str, ...], output: str, **flags: Any) -> int:
    """Scans and writes what it finds. First-seen dates of a baseline that is there already are carried on."""
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    request = replace(request_without_report((), flags), targets=paths)
    with (
        progress(f"scanning {' '.join(paths)}", is_wanted=not request.quiet) as display,
        open_posture_scan(paths, options_of(request, display.say, with_scores=False)) as scan,
    ):
        display.end()
        if scan.why_no_verdict:
            raise SourceError(scan.why_no_verdict)
        found = baseline_of(scan.report, at, __version__)
    text = encoded_baseline(carried_on(found, output))
    to = Destination(find_format("baseline", PostureReport), "" if output == "-" else output)
    with opened([to]) as (sink,):
        sink.stream.write(text)
        sink.stream.flush()
        sink.keep()
    if not request.quiet:
        unread = f"; {len(found.unread):,} not read" if found.unread else ""
        click.echo(f"{count(len(found.findings), 'finding')} remembered{unread}: {output}", err=True)
    return 0


@command.command("show")
@click.argument("file", default=FILE)
def show(file: str) -> int:
    """What a baseline holds, by control."""
    found = read_baseline(file)
    click.echo(
        f"{plain(found.target, 4096)}   {count(len(found.findings), 'finding')}, taken {plain(found.at) or 'at an unknown time'}"
    )
    rows = Counter(seen.control for seen in found.findings)
    for control, number in sorted(rows.items(), key=lambda row: (-row[1], row[0])):
        oldest = min(
            (s.first_seen for s in found.findings if s.control == control and s.first_seen), default=""
        )
        since = f"   first seen {plain(oldest[:10])}" if oldest else ""
        click.echo(f"{number:7,}  {plain(control)}{since}")
    for where in found.unread:
        click.echo(f"not read  {plain(where, 4096)}")
    return 0
