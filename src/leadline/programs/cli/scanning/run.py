"""One scan from the request to the exit code."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from leadline import __version__
from leadline.errors import SourceError, StoreError, UsageError
from leadline.model.report import PostureReport
from leadline.outputs.format import Asked, Page
from leadline.outputs.plain import plain
from leadline.outputs.summary import closing
from leadline.programs.cli.scanning.destinations import Destination, Sink, destinations, opened
from leadline.programs.cli.scanning.flags import FLAGS
from leadline.programs.cli.scanning.progress import progress
from leadline.programs.cli.scanning.request import Request
from leadline.programs.cli.words.flag import Flag
from leadline.scans.gates import Gates, Verdict, verdict
from leadline.scans.options import ChartOptions, PostureOptions, Say
from leadline.scans.posture_scan import PostureScan, open_posture_scan
from leadline.scans.reading import STDIN

_GATE_FAILED = 1
_NOTES = 5
_NOT_REPEATED = frozenset(flag.field for flag in FLAGS if flag.kind in ("switch", "number")) | {
    "format",
    "output",
    "fail_on",
    "severity_threshold",
    "set",
    "set_string",
}
"""Flags that are about the outcome or the look, not about what is judged."""
_WIDTHS = range(40, 1000)
_USUAL_WIDTH = 100


def run(request: Request) -> int:
    """Reads, judges, writes; returns the exit code.

    Raises: ``LeadlineError`` of every kind.
    """
    _configure_log(request)
    is_terminal = os.isatty(1)
    chosen = destinations(request.format, request.output, is_terminal=is_terminal)
    _refuse_overwriting(request.targets, chosen)
    with (
        opened(chosen) as sinks,
        progress(f"scanning {' '.join(request.targets)}", is_wanted=not request.quiet) as display,
        open_posture_scan(request.targets, _options(request, chosen, display.say)) as scan,
    ):
        display.end()
        outcome = verdict(scan.report, _gates(request))
        page = _page(request, scan, outcome, is_terminal, chosen)
        for sink in sinks:
            is_for_people = sink.destination.format.name in ("pretty", "lines")
            if not scan.why_no_verdict or scan.report.unread or not is_for_people:
                _write(sink, scan.report, page)
    if scan.why_no_verdict:
        raise SourceError(scan.why_no_verdict)
    _remark(request, scan, outcome, chosen)
    return 0 if outcome.passed else _GATE_FAILED


def _options(request: Request, chosen: Iterable[Destination], say: Say) -> PostureOptions:
    return PostureOptions(
        frameworks=request.names if request.form == "framework" else (),
        controls=request.names if request.form == "control" else (),
        exclude_controls=request.exclude_controls,
        workload=request.names[0] if request.form == "workload" else "",
        include_namespaces=request.include_namespaces,
        exclude_namespaces=request.exclude_namespaces,
        exclude_paths=request.exclude_path,
        settings_file=request.controls_config,
        own_controls=request.controls,
        framework_files=request.framework_file,
        with_scores=any(destination.format.with_scores for destination in chosen),
        charts=ChartOptions(
            values=request.values,
            set=request.set,
            set_string=request.set_string,
            kube_version=request.kube_version,
            api_versions=request.api_versions,
        ),
        kube_context=request.kube_context,
        kubeconfig=request.kubeconfig,
        standard_input=_standard_input(request.targets),
        environ=os.environ,
        say=say,
    )


def _standard_input(targets: Iterable[str]) -> bytes:
    if STDIN not in targets:
        return b""
    from leadline.sources.yaml.parser import LIMITS

    return sys.stdin.buffer.read(LIMITS.size_bytes + 1)


def _gates(request: Request) -> Gates:
    return Gates(
        severity_threshold=request.severity_threshold,
        compliance_threshold=request.compliance_threshold,
        fail_on_unread="unread" in request.fail_on,
    )


def _refuse_overwriting(targets: Iterable[str], chosen: Iterable[Destination]) -> None:
    """Raises: ``UsageError`` where the report would take the place of what is scanned."""
    written = [Path(destination.path) for destination in chosen if destination.path]
    for target in map(Path, targets if written else ()):
        for path in written:
            if path.is_file() and target.is_file() and path.samefile(target):
                raise UsageError(
                    f"the report would take the place of {target}", hint="--output takes another file"
                )


def _configure_log(request: Request) -> None:
    if request.debug:
        import logging

        logging.basicConfig(
            stream=sys.stderr, level=logging.DEBUG, format="%(levelname)s %(name)s: %(message)s"
        )


def _page(
    request: Request, scan: PostureScan, outcome: Verdict, is_terminal: bool, chosen: tuple[Destination, ...]
) -> Page:
    command = "kubectl leadline" if Path(sys.argv[0]).name.startswith("kubectl-") else "leadline"
    return Page(
        places=scan.places,
        width=_width(os.environ, is_terminal),
        colour=is_terminal and not request.no_color and _wants_colour(os.environ) and not request.output,
        verbose=request.verbose,
        command=command,
        coverage=request.verbose_coverage,
        rbac=f"{command} {_words(request, 'rbac')}" if request.form != "workload" else "",
        again="" if scan.report.target.kind == "stdin" else _again(request, command),
        verdict=outcome.text,
        passed=outcome.passed,
        least=request.min_severity,  # type: ignore[arg-type]
        folder=str(Path.cwd()),
        at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
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


def _again(request: Request, command: str) -> str:
    """The scan as it can be pasted; empty where values of charts were given in words, which may be secrets."""
    return "" if request.set or request.set_string else f"{command} {_words(request)}"


def _words(request: Request, verb: str = "scan") -> str:
    """The words of a command on the same thing: ``scan framework nsa deploy/ --exclude-controls C-0057``."""
    from shlex import join

    form = () if request.form == "everything" else (request.form, ",".join(request.names))
    flags = FLAGS if verb == "scan" else [flag for flag in FLAGS if flag.field == "controls"]
    return join(
        (verb, *form, *request.targets, *(word for flag in flags for word in _repeated(request, flag)))
    )


def _repeated(request: Request, flag: Flag) -> Iterator[str]:
    """The words that say ``flag`` again, where it chooses what is read or shown."""
    value = getattr(request, flag.field)
    if flag.field in _NOT_REPEATED or value in ("", (), flag.default):
        return
    for part in value if isinstance(value, tuple) else (value,):
        yield from (flag.names[0] if flag.names[0].startswith("--") else flag.names[-1], part)


def _width(environ: Mapping[str, str], is_terminal: bool) -> int:
    columns = environ.get("COLUMNS", "")
    if columns.isdecimal() and len(columns) < 5 and int(columns) in _WIDTHS:
        return int(columns)
    known = os.get_terminal_size(1).columns if is_terminal else 0
    # A terminal that was given no size, as in a container, says 0.
    return max(_WIDTHS.start, known) if known else _USUAL_WIDTH


def _wants_colour(environ: Mapping[str, str]) -> bool:
    return not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"


def _write(sink: Sink, report: PostureReport, page: Page) -> None:
    format = sink.destination.format
    try:
        format.write(report, sink.stream, page)
        sink.stream.flush()
        sink.keep()
    except BrokenPipeError:
        raise
    except OSError as error:
        name = sink.destination.path or "standard output"
        raise StoreError(f"cannot write {name}: {(error.strerror or str(error)).lower()}") from error


def _remark(request: Request, scan: PostureScan, outcome: Verdict, chosen: tuple[Destination, ...]) -> None:
    """Oddities, what was written, and the verdict where the output does not end with it."""
    if request.quiet:
        return
    shown = scan.notes if request.verbose else scan.notes[:_NOTES]
    lines = [f"note: {plain(note, 4096)}" for note in shown]
    if len(shown) < len(scan.notes):
        lines.append(f"note: and {len(scan.notes) - len(shown):,} more, -v shows them")
    lines += [f"written: {destination.path}" for destination in chosen if destination.path]
    if not any(d.format.name == "pretty" and not d.path for d in chosen):
        lines.append(closing(scan.report, outcome.text))
    for line in lines:
        sys.stderr.write(line + "\n")
