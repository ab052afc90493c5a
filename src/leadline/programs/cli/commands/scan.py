"""``leadline scan``: objects in files, standard input, a git repository or a cluster."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import replace

from leadline.errors import GATE_FAILED, SourceError, UsageError
from leadline.model.control import Severity
from leadline.model.report import PostureReport, Target
from leadline.outputs.format_registry import Asked, Page
from leadline.outputs.rows.edit_rows import edit_line, edit_rows, failing_text, failing_unread
from leadline.outputs.rows.no_places import NoPlaces
from leadline.outputs.rows.place import FindingPlaces, titles_of
from leadline.outputs.rows.summary import closing
from leadline.outputs.text.plain import plain
from leadline.programs.cli.options.habits import ELSEWHERE, HabitualCommand, command_of
from leadline.programs.cli.options.table import (
    CHARTS,
    CLUSTER,
    CONTROLS,
    FIXING,
    NAMESPACES,
    TRUST,
    WAIVERS,
    Request,
    passed,
    takes,
)
from leadline.programs.cli.output.destinations import (
    Destination,
    Sink,
    destinations,
    encrypted_destinations,
    opened,
    refuse_overwriting,
    writing,
)
from leadline.programs.cli.output.gate_text import verdict_text
from leadline.programs.cli.output.terminal import PAGE_WIDTH, at_words, wants_colour, width_of
from leadline.programs.cli.scanning.requests import (
    gates_of,
    reading,
    request_of,
    split_words,
)
from leadline.scans.gates import Verdict, verdict
from leadline.scans.options import PostureOptions
from leadline.scans.posture.coverage import why_no_verdict
from leadline.scans.posture.posture_scan import PostureScan, open_posture_scan
from leadline.version import __version__

if TYPE_CHECKING:
    from leadline.api.provider.wire import WholeReport
    from leadline.scans.leaving import Leaving
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

Exit codes: 0 passed, 1 a gate failed, 2 wrong usage, 3 nothing could be judged, 4 a fault of leadline,
5 scanned and not delivered (--submit).
"""


_NOTES = 5
_MOST_STEPS = 64
_NOT_REPEATED = frozenset(
    (
        *("format", "output", "set", "set_string"),
        *("fail_on", "allow_empty", "severity_threshold", "compliance_threshold"),
        *("verbose", "coverage", "quiet", "no_color", "debug", "watch", "fix", "yes", "risky"),
        *("submit", "submit_dry_run", "submit_account", "submit_ca"),
    )
)
"""About the outcome or the look, not about what is scanned."""


_COMMIT = re.compile(r"[0-9a-f]{40}(?:\^1)?")
_TARGET_BRANCHES = (
    "GITHUB_BASE_REF",
    "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
    "SYSTEM_PULLREQUEST_TARGETBRANCH",
    "CHANGE_TARGET",
)
"""Of GitHub, GitLab, Azure Pipelines and Jenkins, each set for a change alone."""


@click.command(
    "scan", cls=HabitualCommand, targets=lambda flags: split_words(flags["words"])[2], epilog=EPILOG
)
@click.argument("words", metavar="[framework|control|workload NAME] [PATH]...", nargs=-1)
@takes(
    *("format", "output", "verbose", "coverage", "quiet"),
    *("severity_threshold", "compliance_threshold", "fail_on", "allow_empty", "min_severity", "by"),
    *(*NAMESPACES, "exclude_paths", "assume_complete", *CONTROLS, *CLUSTER, *CHARTS),
    *(
        "store",
        "from_store",
        "store_namespace",
        "baseline",
        "since",
        "accept_from_change",
        "fix",
        "yes",
        "risky",
        "host_facts",
        "cloud_facts",
        "image_results",
        *TRUST,
        *WAIVERS,
    ),
    *(
        "redact",
        "encrypt",
        "submit",
        "submit_dry_run",
        "submit_account",
        "submit_ca",
        "watch",
        "no_color",
        "debug",
    ),
)
def command(words: tuple[str, ...], **flags: Any) -> int:
    """Scans Kubernetes objects in files, folders, globs or standard input, or in a cluster."""
    if len(words) > 1 and "{paths}" in ELSEWHERE.get(words[0], "") and not Path(words[0]).exists():
        raise UsageError(f"no such file: {words[0]}", hint=command_of(words))
    request = request_of(words, flags)
    if request.submit == "false":
        # As pipelines of others write it.
        request = replace(request, submit="")
    if request.submit or request.submit_dry_run or request.submit_account or request.submit_ca:
        return _submitted(request)
    if request.fix:
        from leadline.programs.cli.scanning.fixing import fix_files, refuse_other_flags

        refuse_other_flags(request)
        if not request.targets:
            raise UsageError("a cluster cannot be fixed", hint="name the folder that holds its manifests")
        return fix_files(request, is_dry_run=False, is_agreed=request.yes)
    if request.yes or request.risky:
        raise UsageError("--yes and --risky belong to --fix")
    return _watch(request) if request.watch else _run(request)


def _submitted(request: Request) -> int:
    """As ``_run``, and the report goes to a provider."""
    # Speaking to a provider needs HTTP, TLS and the proofs.
    from leadline.programs.cli.scanning.submitting import check_submission, delivered, narrowed
    from leadline.scans.submitting.submission import whole_report

    place = check_submission(request)
    if place is None:
        return _run(request)
    messages: list[WholeReport] = []

    def take(report: PostureReport, page: Page) -> None:
        messages.append(whole_report(report, page.places, page.at, narrowed(request, page.asked)))

    code = _run(request, take)
    return delivered(request, place, messages, code)


def _run(request: Request, send: Callable[[PostureReport, Page], None] | None = None) -> int:
    """Reads, judges, writes; returns the exit code. ``send`` gets what formats get, where something was judged."""
    is_terminal = os.isatty(1)
    leaving = _leaving(request)
    output = request.output.removesuffix(".age") if request.encrypt else request.output
    chosen = destinations(request.format, output, is_terminal=is_terminal)
    if leaving:
        chosen = encrypted_destinations(leaving, chosen, is_terminal=is_terminal)
    refuse_overwriting(request.targets, chosen)
    with_scores = any(destination.format.with_scores for destination in chosen)
    with (
        opened(chosen, leaving.seal if leaving else None) as sinks,
        reading(request, f"scanning {' '.join(request.targets)}", with_scores=with_scores) as (
            options,
            display,
        ),
        _compared(request, options) as scan,
    ):
        display.end()
        outcome = verdict(scan.report, gates_of(request))
        page = _page(request, scan, outcome, is_terminal, chosen)
        shown, page = leaving.report(scan.report, page) if leaving else (scan.report, page)
        for sink in sinks:
            is_for_people = sink.destination.format.name in ("pretty", "lines")
            if not scan.why_no_verdict or scan.report.unread or not is_for_people:
                _write(sink, shown, page)
        if request.store:
            # The store speaks HTTP asynchronously; a scan that stores nothing does not pay for the import.
            from leadline.programs.cli.scanning.storing import store_report

            stored = store_report(request, scan)
            if not request.quiet:
                gone = f", {stored.collected} of vanished objects deleted" if stored.collected else ""
                ending = f"; nothing new in namespaces that are being deleted: {', '.join(stored.ending)}"
                click.echo(
                    f"{stored.written} results stored as {stored.run}{gone}{ending if stored.ending else ''}",
                    err=True,
                )
        if send and not scan.why_no_verdict:
            send(shown, page)
    if scan.why_no_verdict:
        if not request.allow_empty or scan.report.objects or scan.report.unread:
            raise SourceError(scan.why_no_verdict, hint=_of_images(request.targets))
        if not request.quiet:
            click.echo(scan.why_no_verdict, err=True)
        return 0
    _remark(request, scan, outcome, chosen)
    return 0 if outcome.passed else GATE_FAILED


def _of_images(targets: Sequence[str]) -> str:
    """The command for files other than manifests; empty where ``targets`` are something else."""
    from leadline.scans.images.sbom_input import is_for_images  # after all else failed

    found = [one for one in targets if is_for_images(one)]
    return f"leadline scan image {join(found[:1])} reads images and SBOMs" if found else ""


@contextmanager
def _compared(request: Request, options: PostureOptions) -> Iterator[PostureScan]:
    """The scan with what of it was there before, where that is asked for."""
    if not (request.baseline or request.since):
        with _opened(request, options) as scan:
            yield scan
        return
    from leadline.programs.cli.scanning.compared_with import compared_with
    from leadline.scans.posture.baselines import compared

    with ExitStack() as held:
        options, old = held.enter_context(compared_with(request, options))
        scan = held.enter_context(_opened(request, options))
        if scan.why_no_verdict:
            yield scan
        else:
            name = request.baseline or request.since
            yield replace(scan, report=compared(scan.report, scan.places, old, name, _now()))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _opened(request: Request, options: PostureOptions) -> AbstractContextManager[PostureScan]:
    if not request.from_store:
        return open_posture_scan(request.targets, options)
    from leadline.programs.cli.scanning.storing import read_report

    report = read_report(request, options)
    return nullcontext(PostureScan(report, NoPlaces(), why_no_verdict=why_no_verdict(report, 0, options)))


def _watch(request: Request) -> int:
    """The report once, then each change, until Ctrl-C; the exit code is that of the last verdict."""
    is_terminal = os.isatty(1)
    chosen = destinations(request.format, request.output, is_terminal=is_terminal)
    if request.store or request.output or {one.format.name for one in chosen} - {"pretty", "lines"}:
        raise UsageError(
            "--watch shows its changes as lines", hint="leave --format, --output and --store away"
        )
    from leadline.scans.posture.watch_scan import watch_scan

    with ExitStack() as stack:
        what = f"scanning {' '.join(request.targets)}"
        options, display = stack.enter_context(reading(request, what, with_scores=True))
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
                if is_terminal:
                    click.echo(datetime.now().astimezone().strftime("%H:%M:%S"))
                for line in at_words(changed_lines(change, page.least), 1, "    "):
                    click.echo(line)
                sys.stdout.flush()
        except KeyboardInterrupt:
            last = watched.scan
            if last.why_no_verdict:
                raise SourceError(last.why_no_verdict) from None
            outcome = verdict(last.report, gates_of(request))
            if outcome.results and not request.quiet:
                click.echo(verdict_text(outcome), err=True)
    return 0 if outcome.passed else GATE_FAILED


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
    request: Request,
    scan: PostureScan,
    outcome: Verdict,
    is_terminal: bool,
    chosen: tuple[Destination, ...],
) -> Page:
    flags = click.get_current_context().command.params
    request = replace(request, since=_for_people(request.since, os.environ))
    # Values of charts given in words may be secrets.
    can_be_repeated = scan.report.target.kind != "stdin" and not request.set and not request.set_string
    of_object = None
    if can_be_repeated and request.form != "workload":
        of_object = rerun_words(replace(request, form="workload", names=("NAME",), by=""), "scan", flags)
    is_overview = scan.report.target.kind == "cluster" and request.form == "everything"
    command = "kubectl leadline" if Path(sys.argv[0]).name.startswith("kubectl-") else "leadline"
    return passed(
        Page,
        request,
        places=scan.places,
        width=width_of(os.environ, is_terminal=is_terminal, usual=PAGE_WIDTH),
        colour=is_terminal and not request.no_color and wants_colour(os.environ) and not request.output,
        command=command,
        rbac=f"{command} {rerun_words(request, 'rbac', [f for f in flags if f.name == 'own_controls'])}"
        if request.form != "workload"
        else "",
        again=f"{command} {rerun_words(request, 'scan', flags)}" if can_be_repeated else "",
        fix=_fix_command(command, request, scan.report.target, outcome, flags) if can_be_repeated else "",
        of_object="" if of_object is None else f"{command} {of_object} -v",
        view=request.by or ("" if is_overview else "control"),
        verdict=verdict_text(outcome),
        passed=outcome.passed,
        gate=outcome.failing,
        fails_unread=outcome.fails_unread,
        least=request.min_severity,
        folder=str(Path.cwd()),
        root=_repository_top(scan.report.target, request.targets),
        at=_now(),
        version=__version__,
        asked=passed(
            Asked,
            request,
            by="Control" if request.form == "control" else "Framework",
            formats=tuple(destination.format.name for destination in chosen),
            compliance_threshold=request.compliance_threshold or 0.0,
        ),
    )


def _fix_command(
    command: str, request: Request, target: Target, outcome: Verdict, flags: Sequence[click.Parameter]
) -> str:
    """``leadline fix deploy/ --since main --gate high``; empty where no files were named."""
    if target.kind not in ("file", "directory"):
        return ""
    gate = f" --gate {outcome.failing}" if outcome.failing else ""
    return f"{command} {rerun_words(request, 'fix', [f for f in flags if f.name in FIXING])}{gate}"


def _for_people(revision: str, environment: Mapping[str, str]) -> str:
    """The branch that a pipeline compares with, in place of a commit that the author of the change does not have."""
    if not _COMMIT.fullmatch(revision):
        return revision
    branch = next((environment[name] for name in _TARGET_BRANCHES if environment.get(name)), "")
    return f"origin/{branch.removeprefix('refs/heads/')}" if branch else revision


def _leaving(request: Request) -> "Leaving | None":
    if not (request.redact or request.encrypt):
        return None
    if request.store or request.watch:
        raise UsageError(
            "--redact and --encrypt are for reports that are written", hint="leave --store and --watch away"
        )
    from leadline.scans.leaving import leaving_of

    return leaving_of(request.redact, request.encrypt)


def _write(sink: Sink, report: PostureReport, page: Page) -> None:
    format = sink.destination.format
    with writing(sink):
        format.put(report, sink.stream, page)


def _remark(request: Request, scan: PostureScan, outcome: Verdict, chosen: tuple[Destination, ...]) -> None:
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
    if outcome.fails_unread and printed.isdisjoint(("pretty", "lines")):
        lines += failing_unread(scan.report)
    if "pretty" not in printed:
        lines.append(closing(scan.report, verdict_text(outcome)))
    for line in at_words(lines, 2):
        sys.stderr.write(line + "\n")


def rerun_words(request: Request, verb: str, flags: Sequence[click.Parameter]) -> str:
    """``scan framework nsa deploy/ --exclude-controls C-0057``: the request again, as far as ``flags`` say it."""
    is_plain = request.form == "everything" or (request.names == request.frameworks and verb == "scan")
    form = () if is_plain else (request.form, ",".join(request.names))
    # The same configuration fills these again.
    filled = request.configured.filled.keys() if verb == "scan" else frozenset[str]()
    repeated = (word for flag in flags if flag.name not in filled for word in _repeated(request, flag))
    return join((verb, *form, *request.targets, *repeated))


def _repeated(request: Request, flag: click.Parameter) -> Iterator[str]:
    """The words that say ``flag`` again, where it chooses what is read or shown."""
    name = flag.name or ""
    if not isinstance(flag, click.Option) or name in _NOT_REPEATED:
        return
    value = getattr(request, name)
    if not value or value == flag.default:
        return
    word = next(word for word in flag.opts if word.startswith("--"))
    if flag.is_flag:
        yield word
        return
    for part in value if isinstance(value, tuple) else (value,):
        yield from (word, part)


def _repository_top(target: Target, targets: tuple[str, ...]) -> str:
    """The absolute folder above the first target that git keeps its records in; empty where there is none.

    What was fetched, or read from a cluster or standard input, has its paths already.
    """
    if target.kind not in ("file", "directory") or not targets:
        return ""
    here = Path(os.path.normpath(Path.cwd() / targets[0]))
    for folder in (here, *here.parents)[:_MOST_STEPS]:
        if (folder / ".git").exists():
            return str(folder)
    return ""
