"""``leadline scan``: objects in files, standard input, a git repository or a cluster."""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from leadline.errors import SourceError, UsageError
from leadline.model.control import Severity
from leadline.model.report import PostureReport
from leadline.outputs.format_registry import Asked, Page
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.rows.edit_rows import edit_line, edit_rows, failing_text
from leadline.outputs.rows.finding_places import FindingPlaces
from leadline.outputs.rows.overview import VIEWS
from leadline.outputs.rows.place import NoPlaces
from leadline.outputs.rows.summary import closing
from leadline.outputs.rows.titles import titles_of
from leadline.outputs.text.plain import plain
from leadline.programs.cli.configuration.configured import configured
from leadline.programs.cli.destinations import (
    Destination,
    Sink,
    destinations,
    opened,
    refuse_overwriting,
    writing,
)
from leadline.programs.cli.flags import (
    chart_flags,
    cluster_flags,
    complete_flag,
    control_flags,
    debug_flag,
    encrypt_flag,
    namespace_flags,
    no_color_flag,
    path_flag,
    quiet_flag,
    trust_flags,
    waiver_flags,
)
from leadline.programs.cli.gate_text import verdict_text
from leadline.programs.cli.habits import HabitualCommand
from leadline.programs.cli.progress import progress
from leadline.programs.cli.repository_top import repository_top
from leadline.programs.cli.rerun_command import rerun_words
from leadline.programs.cli.scan_request import ScanRequest, gates_of, options_of, request_of, split_words
from leadline.programs.cli.terminal import configure_log, wants_colour, width_of
from leadline.scans.gates import Verdict, verdict
from leadline.scans.options import PostureOptions, silent
from leadline.scans.posture.coverage import why_no_verdict
from leadline.scans.posture.posture_scan import PostureScan, open_posture_scan
from leadline.version import __version__

if TYPE_CHECKING:
    from leadline.programs.cli.leaving import Leaving
    from leadline.scans.posture.watch_scan import ScanChange

EPILOG = """
\b
  leadline scan deploy/
      every control
  leadline scan framework nsa,mitre deploy/
      the controls of frameworks
  leadline scan control C-0057 app.yaml
      some controls, by id or name
  leadline scan workload shop/Deployment/web deploy/
  leadline scan image nginx:1.27
      what is in an image, and what helps an attacker
  helm template . | leadline scan -
      standard input

Exit codes: 0 passed, 1 a gate failed, 2 wrong usage, 3 nothing could be judged, 4 a fault of leadline.
"""


_GATE_FAILED = 1
_NOTES = 5
_USUAL_WIDTH = 100
_LIST = "A list, with commas or repeated."


@click.command("scan", cls=HabitualCommand, epilog=EPILOG)
@click.argument("words", metavar="[framework|control|workload NAME] [PATH]...", nargs=-1)
@click.option(
    "-f",
    "--format",
    multiple=True,
    metavar="NAME",
    help=f"pretty, html, markdown, json, sarif, junit … {_LIST}",
)
@click.option(
    "-o",
    "--output",
    default="",
    metavar="FILE",
    help="Write there; folders are made, several formats add suffixes.",
)
@click.option("-v", "--verbose", is_flag=True, help="Every finding with its lines and its fix.")
@click.option("--verbose-coverage", is_flag=True, help="Why each control that judged nothing did not.")
@quiet_flag
@click.option(
    "--severity-threshold", default="", metavar="SEVERITY", help="Exit 1 on a finding at or above it."
)
@click.option("--compliance-threshold", type=float, metavar="PER_CENT", help="Exit 1 on a score below it.")
@click.option(
    "--fail-on",
    multiple=True,
    metavar="SEVERITY|unread",
    help="Exit 1 on such a finding, or when something could not be read.",
)
@click.option(
    "--allow-empty",
    is_flag=True,
    help="Exit 0 where there is no object at all, as in a hook for changed files.",
)
@click.option(
    "--min-severity", default="unknown", metavar="SEVERITY", help="Show nothing below it; gates see all."
)
@click.option(
    "--by",
    type=click.Choice(("", *VIEWS)),
    default="",
    metavar="VIEW",
    show_choices=False,
    help=f"What the terminal counts findings by: {', '.join(VIEWS)}.",
)
@namespace_flags
@path_flag
@complete_flag
@control_flags
@cluster_flags
@chart_flags
@click.option(
    "--store",
    default="",
    metavar="kube|FILE",
    help="Write the results into the cluster, as objects of its API, or into a file.",
)
@click.option(
    "--from-store",
    default="",
    metavar="kube|FILE",
    help="Show the results that are stored there, and scan nothing.",
)
@click.option(
    "--store-namespace",
    default="leadline",
    metavar="NAME",
    help="Where results about objects without a namespace go.",
)
@click.option(
    "--baseline", default="", metavar="FILE", help="What that report or baseline knows fails no gate."
)
@click.option(
    "--since", default="", metavar="REVISION", help="What was there at that git revision fails no gate."
)
@click.option("--fix", is_flag=True, help="Edit the files so that findings go away, as leadline fix does.")
@click.option("--yes", is_flag=True, help="With --fix: write without asking.")
@click.option(
    "--host-facts",
    multiple=True,
    metavar="FILE",
    help="What 'leadline host facts' wrote of a node; may be repeated. Judged alone where no path and no context is named.",
)
@click.option(
    "--cloud-facts",
    multiple=True,
    metavar="FILE",
    help="What the cloud's command line prints of the cluster; may be repeated. See 'leadline explain C-0227'.",
)
@trust_flags
@waiver_flags
@click.option(
    "--redact",
    default="",
    metavar="FILE",
    help="Pseudonyms for every name in reports; FILE, yours alone, turns them back.",
)
@encrypt_flag
@click.option("--watch", is_flag=True, help="Go on, and show what appears and what goes, until Ctrl-C.")
@no_color_flag
@debug_flag
@configured("scan", lambda flags: split_words(flags["words"])[2])
def command(words: tuple[str, ...], **flags: Any) -> int:
    """Scans Kubernetes objects in files, folders, globs or standard input, or in a cluster."""
    fixes, is_agreed = flags.pop("fix"), flags.pop("yes")
    request = request_of(words, flags)
    if fixes:
        return _fix(request, is_agreed=is_agreed)
    if is_agreed:
        raise UsageError("--yes belongs to --fix")
    return _watch(request) if request.watch else _run(request)


def _run(request: ScanRequest) -> int:
    """Reads, judges, writes; returns the exit code.

    Raises: ``LeadlineError`` of every kind.
    """
    secrets = SecretValues()
    configure_log(is_debug=request.debug, secrets=secrets)
    is_terminal = os.isatty(1)
    leaving = _leaving(request)
    output = request.output.removesuffix(".age") if request.encrypt else request.output
    chosen = destinations(request.format, output, is_terminal=is_terminal)
    if leaving:
        chosen = leaving.destinations(chosen, is_terminal=is_terminal)
    refuse_overwriting(request.targets, chosen)
    with_scores = any(destination.format.with_scores for destination in chosen)
    with (
        opened(chosen, leaving.seal if leaving else None) as sinks,
        progress(f"scanning {' '.join(request.targets)}", is_wanted=not request.quiet) as display,
        _opened(
            request, replace(options_of(request, display.say, with_scores=with_scores), secrets=secrets)
        ) as scan,
    ):
        scan = _compared(request, scan)
        display.end()
        outcome = verdict(scan.report, gates_of(request))
        page = _page(request, scan, outcome, is_terminal, chosen)
        shown, page = leaving.report(scan.report, page) if leaving else (scan.report, page)
        for sink in sinks:
            is_for_people = sink.destination.format.name in ("pretty", "lines")
            if not scan.why_no_verdict or scan.report.unread or not is_for_people:
                _write(sink, shown, page)
        if request.store:
            _store(request, scan.report)
    if scan.why_no_verdict:
        if not request.allow_empty or scan.report.objects or scan.report.unread:
            raise SourceError(scan.why_no_verdict)
        if not request.quiet:
            click.echo(scan.why_no_verdict, err=True)
        return 0
    _remark(request, scan, outcome, chosen)
    return 0 if outcome.passed else _GATE_FAILED


def _compared(request: ScanRequest, scan: PostureScan) -> PostureScan:
    """``scan`` with what of it was there before, where that is asked for.

    Raises: ``LeadlineError`` of every kind.
    """
    if not (request.baseline or request.since) or scan.why_no_verdict:
        return scan
    from leadline.scans.posture.baselines import baseline_at, compared, read_baseline

    if request.baseline:
        old = read_baseline(request.baseline)
    else:
        old = baseline_at(request.targets, request.since, options_of(request, silent, with_scores=False))
    report = compared(scan.report, old, request.baseline or request.since, _now())
    return replace(scan, report=report)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _fix(request: ScanRequest, *, is_agreed: bool) -> int:
    """Raises: ``LeadlineError`` of every kind."""
    if request.format or request.output or request.store or request.watch or request.fail_on:
        raise UsageError("--fix shows a diff and writes files", hint="scan again afterwards for a report")
    if not request.targets:
        raise UsageError("a cluster cannot be fixed", hint="name the folder that holds its manifests")
    from leadline.programs.cli.fixing import fix_files

    return fix_files(request, is_dry_run=False, is_agreed=is_agreed, as_patch=False)


def _opened(request: ScanRequest, options: PostureOptions) -> AbstractContextManager[PostureScan]:
    """Raises: as a scan does, and ``StoreError``."""
    if not request.from_store:
        return open_posture_scan(request.targets, options)
    from leadline.programs.cli.storing import read_report

    report = read_report(request, options)
    return nullcontext(PostureScan(report, NoPlaces(), why_no_verdict=why_no_verdict(report, 0, options)))


def _store(request: ScanRequest, report: PostureReport) -> None:
    """Raises: ``StoreError``, ``ClusterError``."""
    # The store speaks HTTP asynchronously; a scan that stores nothing does not pay for the import.
    from leadline.programs.cli.storing import store_report

    stored = store_report(request, report)
    if not request.quiet:
        gone = f", {stored.collected} of vanished objects deleted" if stored.collected else ""
        click.echo(f"{stored.written} results stored as {stored.run}{gone}", err=True)


def _watch(request: ScanRequest) -> int:
    """The report once, then each change, until Ctrl-C; the exit code is that of the last verdict.

    Raises: ``LeadlineError`` of every kind.
    """
    secrets = SecretValues()
    configure_log(is_debug=request.debug, secrets=secrets)
    is_terminal = os.isatty(1)
    chosen = destinations(request.format, request.output, is_terminal=is_terminal)
    if request.store or request.output or {one.format.name for one in chosen} - {"pretty", "lines"}:
        raise UsageError(
            "--watch shows its changes as lines", hint="leave --format, --output and --store away"
        )
    from leadline.scans.posture.watch_scan import watch_scan

    with ExitStack() as stack:
        display = stack.enter_context(
            progress(f"scanning {' '.join(request.targets)}", is_wanted=not request.quiet)
        )
        options = replace(options_of(request, display.say, with_scores=True), secrets=secrets)
        watched, changes = stack.enter_context(watch_scan(request.targets, options))
        first = watched.scan
        display.end()
        outcome = verdict(first.report, gates_of(request))
        page = _page(request, first, outcome, is_terminal, chosen)
        if first.why_no_verdict:
            click.echo(f"{first.why_no_verdict}; waiting for changes")
        else:
            with opened(chosen) as sinks:
                for sink in sinks:
                    _write(sink, first.report, page)
            _remark(request, first, outcome, chosen)
        sys.stdout.flush()
        try:
            for change in changes:
                for line in changed_lines(change, page.least):
                    click.echo(line)
                sys.stdout.flush()
        except KeyboardInterrupt:
            last = watched.scan
            if last.why_no_verdict:
                raise SourceError(last.why_no_verdict) from None
            outcome = verdict(last.report, gates_of(request))
            if outcome.results and not request.quiet:
                click.echo(verdict_text(outcome), err=True)
    return 0 if outcome.passed else _GATE_FAILED


def changed_lines(change: "ScanChange", least: Severity) -> Iterator[str]:
    """A line for each edit that is asked for now (+) or no longer (-), and for what cannot be read any more or can again (!)."""
    for sign, report, places in (("-", change.went, NoPlaces()), ("+", change.appeared, change.places)):
        title = titles_of(report)
        for row in edit_rows(report, FindingPlaces(report, places), least):
            yield f"{sign} {edit_line(row, report, title)}"
    for unread in change.unread:
        yield f"! {plain(unread.where, 4096)}: unread {plain(unread.why)}"
    for where in change.no_longer_unread:
        yield f"! {plain(where, 4096)}: no longer unread"


def _page(
    request: ScanRequest,
    scan: PostureScan,
    outcome: Verdict,
    is_terminal: bool,
    chosen: tuple[Destination, ...],
) -> Page:
    flags = click.get_current_context().command.params
    # Values of charts given in words may be secrets.
    can_be_repeated = scan.report.target.kind != "stdin" and not request.set and not request.set_string
    of_object = None
    if can_be_repeated and request.form != "workload":
        of_object = rerun_words(replace(request, form="workload", names=("NAME",), by=""), "scan", flags)
    is_overview = scan.report.target.kind == "cluster" and request.form == "everything"
    command = "kubectl leadline" if Path(sys.argv[0]).name.startswith("kubectl-") else "leadline"
    return Page(
        places=scan.places,
        width=width_of(os.environ, is_terminal=is_terminal, usual=_USUAL_WIDTH),
        colour=is_terminal and not request.no_color and wants_colour(os.environ) and not request.output,
        verbose=request.verbose,
        command=command,
        coverage=request.verbose_coverage,
        rbac=f"{command} {rerun_words(request, 'rbac', [f for f in flags if f.name == 'controls'])}"
        if request.form != "workload"
        else "",
        again=f"{command} {rerun_words(request, 'scan', flags)}" if can_be_repeated else "",
        of_object="" if of_object is None else f"{command} {of_object} -v",
        view=request.by or ("" if is_overview else "control"),
        verdict=verdict_text(outcome),
        passed=outcome.passed,
        gate=outcome.failing,
        least=request.min_severity,  # type: ignore[arg-type]
        folder=str(Path.cwd()),
        root=repository_top(scan.report.target, request.targets),
        at=_now(),
        version=__version__,
        asked=Asked(
            "Control" if request.form == "control" else "Framework",
            request.names,
            tuple(destination.format.name for destination in chosen),
            request.include_namespaces,
            request.exclude_namespaces,
            request.compliance_threshold or 0.0,
            request.severity_threshold,
        ),
    )


def _leaving(request: ScanRequest) -> "Leaving | None":
    """Raises: ``UsageError``, ``StoreError``."""
    if not (request.redact or request.encrypt):
        return None
    if request.store or request.watch:
        raise UsageError(
            "--redact and --encrypt are for reports that are written", hint="leave --store and --watch away"
        )
    from leadline.programs.cli.leaving import leaving_of

    return leaving_of(request.redact, request.encrypt)


def _write(sink: Sink, report: PostureReport, page: Page) -> None:
    format = sink.destination.format
    with writing(sink):
        format.put(report, sink.stream, page)


def _remark(
    request: ScanRequest, scan: PostureScan, outcome: Verdict, chosen: tuple[Destination, ...]
) -> None:
    """Oddities, what was written, and the verdict where the output does not end with it."""
    if request.quiet:
        return
    shown = scan.notes if request.verbose else scan.notes[:_NOTES]
    lines = [f"note: {plain(note, 4096)}" for note in shown]
    if len(shown) < len(scan.notes):
        lines.append(f"note: and {len(scan.notes) - len(shown):,} more, -v shows them")
    lines += [] if outcome.passed else [f"note: {plain(text, 4096)}" for text in request.configured.gates()]
    lines += [f"written: {plain(destination.path, 4096)}" for destination in chosen if destination.path]
    printed = {d.format.name for d in chosen if not d.path}
    if outcome.failing and printed.isdisjoint(("pretty", "lines")):
        lines += failing_text(scan.report.new, FindingPlaces(scan.report, scan.places), outcome.failing)
    if "pretty" not in printed:
        lines.append(closing(scan.report, verdict_text(outcome)))
    for line in lines:
        sys.stderr.write(line + "\n")
