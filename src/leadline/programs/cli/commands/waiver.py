"""``leadline waiver``: which findings are accepted, by which entry, and what is odd about it."""

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import click

from leadline.errors import SourceError, UsageError
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.report import PostureReport
from leadline.model.waiver import WaiverUse
from leadline.outputs.rows.place import FindingPlaces, ShownPlaces, place_text, titles_of
from leadline.outputs.text.plain import count, plain
from leadline.outputs.text.waiver_text import odd_waivers, reason_of, remarks_of, title
from leadline.programs.cli.options.table import CLUSTER, Request, takes
from leadline.programs.cli.output.terminal import configure_log, progress
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import open_posture_scan
from leadline.scans.waivers.adding import ADDED_FILE, added_entry, entry_of
from leadline.scans.waivers.waiving import entries_of_files

EPILOG = """
\b
  leadline waiver test waivers.yaml deploy/
      what each entry accepts in these files
  leadline waiver test exceptions.json
      the same for the cluster of the current context
  leadline waiver test waivers.yaml --image shop.tar
      what each entry accepts in images
  leadline waiver list waivers.yaml
      the entries; which have expired or are too broad
  leadline waiver add C-0057 shop/DaemonSet/agent \\
      --reason audited --owner ops --until 2027-01-31
      writes an entry into leadline-waivers.yaml

leadline schema waivers prints the schema of a file of waivers; exceptions as JSON and SecurityException objects are read too.
"""

_SHOWN = 5
"""Findings of one entry, unless all are asked for."""


@click.group("waiver", epilog=EPILOG)
def command() -> None:
    """Accepts findings, and shows which entry matches what."""


@command.command("list", short_help="The entries of files.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
def list_(files: tuple[str, ...]) -> int:
    """Lists the entries of FILES with reason, owner, ticket and end."""
    uses = entries_of_files(files, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
    for use in uses:
        click.echo(f"{title(use.waiver)}: {reason_of(use.waiver)}")
    click.echo("")
    for remark in odd_waivers(uses):
        click.echo(remark)
    expired = sum(1 for use in uses if use.state == "expired")
    click.echo(f"{count(len(uses), 'waiver')}, {expired:,} expired")
    return 0


@command.command("add", short_help="Writes an entry into a file.")
@click.argument("ids", metavar="ID[,ID...]")
@click.argument("object", metavar="[NAMESPACE/][KIND/]NAME|IMAGE", default="")
@click.option("--reason", required=True, help="Why it is acceptable.")
@click.option("--owner", required=True, help="Who answers for it.")
@click.option("--until", required=True, metavar="DATE", help="The last day on which it holds, 2027-01-31.")
@click.option("--ticket", default="", help="Where it was decided.")
@click.option(
    "--path", "paths", multiple=True, metavar="PATTERN", help="Only in these files. May be repeated."
)
@click.option(
    "--file",
    default=ADDED_FILE,
    show_default=True,
    metavar="FILE",
    help="Our own file of waivers; made if need be.",
)
def add(ids: str, object: str, paths: tuple[str, ...], file: str, **said: str) -> int:
    """Accepts findings of controls or vulnerabilities ID on an object, with reason, owner and end."""
    entry = entry_of(ids, object, paths, said["reason"], said["owner"], said["until"], said["ticket"])
    added_entry(file, entry)
    click.echo(
        f"written: {plain(file, 4096)}; leadline waiver test {plain(file, 4096)} shows what it accepts",
        err=True,
    )
    return 0


@command.command("test", epilog=EPILOG, short_help="Which entry accepts which finding.")
@click.argument("file")
@click.argument("targets", metavar="[PATH]...", nargs=-1)
@click.option(
    "--image", "images", multiple=True, metavar="IMAGE", help="Judge an image instead. May be repeated."
)
@click.option(
    "--db", default="", metavar="FILE", help="Of images: the vulnerability database; else the usual one."
)
@click.option("-v", "--verbose", is_flag=True, help="Every finding.")
@takes(*CLUSTER, "quiet", "debug")
def test(file: str, targets: tuple[str, ...], images: tuple[str, ...], db: str, **flags: Any) -> int:
    """Judges files, the cluster or images, and shows what each entry of FILE, and of what is judged, accepts."""
    configure_log(is_debug=flags["debug"])
    if images:
        if targets:
            raise UsageError("files and images are not judged together", hint="ask about each by itself")
        for line in _lines_of_images(file, images, db, flags):
            click.echo(line)
        return 0
    verbose, quiet = flags["verbose"], flags["quiet"]
    if "-" in targets:
        raise UsageError("standard input is not read here", hint="name files or folders")
    what = f"scanning {' '.join(targets)}" if targets else "scanning the cluster"
    with progress(what, is_wanted=not quiet) as display:
        options = PostureOptions(
            waivers=(file,),
            environ=os.environ,
            say=display.say,
            with_scores=False,
            kube_context=flags["kube_context"],
            kubeconfig=flags["kubeconfig"],
        )
        with open_posture_scan(targets, options) as scan:
            display.end()
            for line in _lines(scan.report, scan.places, verbose=verbose):
                click.echo(line)
    return 0


def _lines(report: PostureReport, places: ShownPlaces, *, verbose: bool) -> Iterator[str]:
    found = FindingPlaces(report, places)
    title_of = titles_of(report)
    problems = {control.id: control.problem or control.title for control in report.controls}
    for place, use in enumerate(report.waivers):
        yield from _heading(use, "such as vulnerabilities")
        findings = [one.finding for one in report.waived if one.waiver == place]
        for finding in findings if verbose else findings[:_SHOWN]:
            spot = place_text(found.holder(finding), found.find(finding))
            name = title_of(report.resource(finding.resource))
            yield f"  {spot}  {finding.control} {plain(problems[finding.control])} [{name}]"
        if len(findings) > _SHOWN and not verbose:
            yield f"  and {len(findings) - _SHOWN:,} more, -v shows them"
        others = use.findings - len({finding.pair for finding in findings}) if use.state == "used" else 0
        if others > 0:
            yield f"  {count(others, 'finding')} of an entry before it as well"
        yield ""
    yield f"{count(report.numbers.accepted, 'finding')} accepted, {count(report.numbers.findings, 'finding')} not"


def _heading(use: WaiverUse, others: str) -> Iterator[str]:
    """What is accepted and why, and what is odd about it. ``others``: what is not looked for here."""
    yield f"{title(use.waiver)}: {reason_of(use.waiver)}"
    if use.state == "not asked":
        yield f"  about what this does not look for, {others}"
    elif remarks := "; ".join(remarks_of(use)):
        yield f"  {remarks}"


def _lines_of_images(
    file: str, images: tuple[str, ...], database: str, flags: Mapping[str, Any]
) -> Iterator[str]:
    """One entry after another, then the numbers of what is accepted and what is not.

    Raises: ``SourceError`` where an image cannot be read: what its entries accept is then not known.
    """
    # A scan of images imports its own.
    from leadline.programs.cli.scanning.requests import created, image_options
    from leadline.scans.images.images_scan import ImageTargets, images_scan

    request = Request(targets=images, quiet=flags["quiet"], db=database, waivers=(file,))
    with progress(f"scanning {count(len(images), 'image')}", is_wanted=not request.quiet) as display:
        options = image_options(request, created(os.environ), display.say)
        report = images_scan(ImageTargets(names=images), options)
    if report.failed:
        lost = report.failed[0].unread
        raise SourceError(f"{plain(lost.where, 4096)}: {plain(lost.why)}", hint=lost.hint)
    yield from _image_lines(report, is_verbose=flags["verbose"])
    without = sum(1 for one in report.images if one.report.database is None)
    if without:
        yield f"vulnerabilities were not looked for in {count(without, 'image')}: no database was found (leadline db fetch)"


def _image_lines(report: ImagesReport, *, is_verbose: bool) -> Iterator[str]:
    total = 0
    for place, use in enumerate(report.waivers):
        yield from _heading(use, "such as controls of objects")
        found = [
            f"{plain(image.names[0])}  {text}"
            for image in report.images
            for text in _accepted(image.report, place)
        ]
        total += len(found)
        yield from (f"  {line}" for line in (found if is_verbose else found[:_SHOWN]))
        if len(found) > _SHOWN and not is_verbose:
            yield f"  and {len(found) - _SHOWN:,} more, -v shows them"
        yield ""
    open_ones = sum(len(one.report.vulnerabilities) + len(one.report.findings) for one in report.images)
    yield f"{count(total, 'finding')} accepted, {count(open_ones, 'finding')} not"


def _accepted(report: ImageReport, place: int) -> Iterator[str]:
    for one in report.suppressed:
        if one.waiver == place:
            package = one.match.package
            yield f"{one.match.id} {one.match.severity} {plain(package.name)} {plain(package.version)}"
    for accepted in report.waived_findings:
        if accepted.place == place:
            yield f"{accepted.finding.title} {plain(accepted.finding.where, 4096)}"
