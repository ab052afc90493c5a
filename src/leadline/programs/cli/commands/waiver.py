"""``leadline waiver``: which findings are accepted, by which entry, and what is odd about it."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from leadline.errors import UsageError
from leadline.model.report import PostureReport
from leadline.model.waiver import WaiverUse
from leadline.outputs.finding_places import FindingPlaces
from leadline.outputs.place import Places, place_text
from leadline.outputs.plain import count, plain
from leadline.outputs.titles import titles_of
from leadline.outputs.waiver_text import odd_waivers, reason_of, remarks_of, title
from leadline.programs.cli.flags import cluster_flags, debug_flag, quiet_flag
from leadline.programs.cli.progress import progress
from leadline.programs.cli.terminal import configure_log
from leadline.scans.options import PostureOptions
from leadline.scans.posture_scan import open_posture_scan
from leadline.scans.waiving import waivers_of_files
from leadline.waivers.apply import Waivers

EPILOG = """
\b
  leadline waiver test waivers.yaml deploy/
      what each entry accepts in these files
  leadline waiver test exceptions.json
      the same for the cluster of the current context
  leadline waiver list waivers.yaml
      the entries; which have expired or are too broad

leadline schema waivers prints the schema of a file of waivers; exceptions as JSON and SecurityException objects are read too.
"""
_FINDINGS = 5


@click.group("waiver", epilog=EPILOG)
def command() -> None:
    """Shows accepted findings: which entry matches what."""


@command.command("list", short_help="The entries of files.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def list_(files: tuple[str, ...]) -> int:
    """Lists the entries of FILES with reason, owner, ticket and end."""
    waivers = waivers_of_files(files)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    uses = Waivers(waivers, now, lambda match: False).uses()
    for use in uses:
        click.echo(f"{title(use.waiver)}: {reason_of(use.waiver)}")
    click.echo("")
    for remark in odd_waivers(uses):
        click.echo(remark)
    expired = sum(1 for use in uses if use.state == "expired")
    click.echo(f"{count(len(uses), 'waiver')}, {expired:,} expired")
    return 0


@command.command("test", epilog=EPILOG, short_help="Which entry accepts which finding.")
@click.argument("file")
@click.argument("targets", metavar="[PATH]...", nargs=-1)
@click.option("-v", "--verbose", is_flag=True, help="Every finding.")
@cluster_flags
@quiet_flag
@debug_flag
def test(
    file: str, targets: tuple[str, ...], *, verbose: bool, quiet: bool, debug: bool, **where: Any
) -> int:
    """Judges files or the cluster, and shows what each entry of FILE, and of what is judged, accepts."""
    configure_log(is_debug=debug)
    if "-" in targets:
        raise UsageError("standard input is not read here", hint="name files or folders")
    what = f"scanning {' '.join(targets)}" if targets else "scanning the cluster"
    with progress(what, is_wanted=not quiet) as display:
        options = PostureOptions(
            waivers=(file,), environ=os.environ, say=display.say, with_scores=False, **where
        )
        with open_posture_scan(targets, options) as scan:
            display.end()
            for line in _lines(scan.report, scan.places, verbose=verbose):
                click.echo(line)
    return 0


def _lines(report: PostureReport, places: Places, *, verbose: bool) -> Iterator[str]:
    found = FindingPlaces(report, places)
    title_of = titles_of(report)
    problems = {control.id: control.problem or control.title for control in report.controls}
    for place, use in enumerate(report.waivers):
        yield f"{title(use.waiver)}: {reason_of(use.waiver)}"
        if remark := _remark(use):
            yield f"  {remark}"
        findings = [one.finding for one in report.waived if one.waiver == place]
        for finding in findings if verbose else findings[:_FINDINGS]:
            spot = place_text(found.holder(finding), found.find(finding))
            name = title_of(report.resource(finding.resource))
            yield f"  {spot}  {finding.control} {plain(problems[finding.control])} [{name}]"
        if len(findings) > _FINDINGS and not verbose:
            yield f"  and {len(findings) - _FINDINGS:,} more, -v shows them"
        others = use.findings - len(findings) if use.state == "used" else 0
        if others > 0:
            yield f"  {count(others, 'finding')} of an entry before it as well"
        yield ""
    yield f"{count(len(report.waived), 'finding')} accepted, {count(len(report.findings), 'finding')} not"


def _remark(use: WaiverUse) -> str:
    if use.state == "not asked":
        return "about what this command does not look for, such as vulnerabilities"
    return "; ".join(remarks_of(use))
