"""One scan from the request to the exit code."""

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from leadline import __version__
from leadline.errors import SourceError, StoreError, UsageError
from leadline.kube.kinds import SHORT_NAMES, plural_of
from leadline.model.report import PostureReport, Target
from leadline.model.resource import Resource
from leadline.outputs.format import Asked, Page
from leadline.outputs.plain import count, plain
from leadline.outputs.summary import closing, target_name
from leadline.posture.engine import Facts, Judgement, judge
from leadline.programs.cli.scanning.destinations import Destination, Sink, destinations, opened
from leadline.programs.cli.scanning.flags import FLAGS
from leadline.programs.cli.scanning.gates import Verdict, verdict
from leadline.programs.cli.scanning.policies import Policies, choose_policies
from leadline.programs.cli.scanning.progress import progress
from leadline.programs.cli.scanning.reading import Reading
from leadline.programs.cli.scanning.request import Request
from leadline.programs.cli.scanning.settings import Settings, read_settings, shipped_settings
from leadline.programs.cli.scanning.sources import read
from leadline.programs.cli.words.flag import Flag

_GATE_FAILED = 1
_NOTES = 5
_NAMESPACES = 5
"""Named to whoever chose others."""
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
    policies = choose_policies(request, with_scores=any(d.format.with_scores for d in chosen))
    known = shipped_settings(policies.known)
    settings = read_settings(request.controls_config, known) if request.controls_config else known
    with opened(chosen) as sinks:
        started = time.monotonic()
        with (
            progress(f"scanning {' '.join(request.targets)}", is_wanted=not request.quiet) as display,
            read(request, policies.controls, display.say) as reading,
        ):
            report = _report(request, reading, policies, settings, started)
            display.end()
            outcome = verdict(report, request)
            nothing = _nothing_judged(report, reading, request)
            page = _page(request, reading, outcome, is_terminal, chosen)
            for sink in sinks:
                if not nothing or report.unread or sink.destination.format.name not in ("pretty", "lines"):
                    _write(sink, report, page)
    if nothing:
        raise SourceError(nothing)
    _remark(request, reading, report, outcome, chosen)
    return 0 if outcome.passed else _GATE_FAILED


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


def _report(
    request: Request, reading: Reading, policies: Policies, settings: Settings, started: float
) -> PostureReport:
    facts = Facts(
        reading.is_whole,
        reading.target.server_version,
        _cloud(request, reading.target),
        _is_chosen(request),
    )
    left_out = {skip.control for skip in reading.skips}
    asked = [control for control in policies.controls if control.id not in left_out]
    try:
        judgement = judge(reading.resources, asked, settings=settings, facts=facts)
        # Of a cluster the one workload that was asked for is all that was read.
        if request.form != "workload" or reading.target.kind != "cluster":
            judgement = _selected(request, judgement)
    finally:
        for close in policies.closers:
            close()
    return PostureReport(
        target=reading.target,
        resources=judgement.resources,
        controls=policies.controls,
        findings=judgement.findings,
        judged=judgement.judged,
        joined=judgement.joined,
        skips=(*judgement.skips, *reading.skips),
        unread=(*policies.unread, *reading.unread, *judgement.unread),
        frameworks=policies.frameworks,
        settings={name: settings[name] for c in policies.controls for name in c.settings},
        not_kubernetes=reading.not_kubernetes,
        files=reading.files,
        objects=len(reading.resources),
        charts=reading.charts,
        kustomizations=reading.kustomizations,
        seconds=time.monotonic() - started,
    )


def _cloud(request: Request, target: Target) -> str:
    """The cloud that controls of one cloud's clusters are held against.

    Files do not say where they will run. Such controls are then asked only by name or by their own framework, so
    that nobody is told to annotate a Service for a cloud that is not theirs.
    """
    if target.cloud or request.form == "workload":
        return target.cloud
    return "" if _is_chosen(request) else "none"


def _is_chosen(request: Request) -> bool:
    """Whether the user chose the controls, by name or by framework; each then judges whatever it is given."""
    if request.form == "everything":
        return bool(request.framework_file)
    return not {name.lower() for name in request.names} & {"all", "allcontrols"}


def _selected(request: Request, judgement: Judgement) -> Judgement:
    """What the request wants to hear of. All objects took part in the joins: a policy elsewhere still counts."""
    wanted = _wanted(request, judgement)
    if wanted is None:
        return judgement
    kept = {id(resource) for resource in judgement.resources if wanted(resource)}
    return msgspec.structs.replace(
        judgement,
        findings=tuple(f for f in judgement.findings if id(f.resource) in kept),
        judged=tuple(
            ids if id(resource) in kept else ()
            for resource, ids in zip(judgement.resources, judgement.judged, strict=True)
        ),
    )


def _wanted(request: Request, judgement: Judgement) -> Callable[[Resource], bool] | None:
    return _workload(request.names[0], judgement) if request.form == "workload" else _in_namespaces(request)


def _in_namespaces(request: Request) -> Callable[[Resource], bool] | None:
    """Whether the flags choose the namespace of an object; ``None`` where they do not choose."""
    include, exclude = frozenset(request.include_namespaces), frozenset(request.exclude_namespaces)
    if not include and not exclude:
        return None

    def in_namespace(resource: Resource) -> bool:
        namespace = resource.name if resource.kind == "Namespace" else resource.namespace
        if not namespace:
            return not include
        return (not include or namespace in include) and namespace not in exclude

    return in_namespace


def _workload(name: str, judgement: Judgement) -> Callable[[Resource], bool]:
    """Objects that ``[namespace/]Kind[.version[.group]]/name`` means; ``deployments.apps`` and ``deploy`` do as well.

    Raises: ``UsageError`` where there is none, with the nearest.
    """
    *namespace, kind, plain_name = name.split("/") if name.count("/") in (1, 2) else ("", "", "")
    if not kind or not plain_name:
        raise UsageError(
            f"{name} names no workload", hint="write it as namespace/Kind/name, shop/Deployment/web"
        )
    kind, _, version = kind.partition(".")
    kind = SHORT_NAMES.get(kind.lower(), kind.lower())

    def is_it(resource: Resource) -> bool:
        return (
            kind in (resource.kind.lower(), plural_of(resource.kind))
            and resource.name == plain_name
            and (not namespace or (resource.namespace or "default") == namespace[0])
            and (not version or version == resource.group or _version_of(resource).startswith(version))
        )

    if not any(is_it(resource) for resource in judgement.resources):
        from difflib import get_close_matches

        near = get_close_matches(name, [r.title for r in judgement.resources], n=1)
        raise UsageError(f"no object {name}", hint=f"did you mean {near[0]}?" if near else "")
    return is_it


def _version_of(resource: Resource) -> str:
    """``v1.apps`` for ``apps/v1``."""
    group, _, version = resource.api_version.rpartition("/")
    return f"{version}.{group}" if group else version


def _nothing_judged(report: PostureReport, reading: Reading, request: Request) -> str:
    """Why there is no verdict; empty where something was judged."""
    if any(report.judged):
        return ""
    name = target_name(report)
    if report.objects:
        return f"nothing could be judged in {name}: {count(report.objects, 'object')}, {_why_nothing_judged(report, request)}"
    if report.unread:
        return f"nothing could be judged in {name}: {len(report.unread):,} not read, the first {_first_unread(report)}"
    if report.not_kubernetes:
        documents = count(report.not_kubernetes, "document")
        return f"nothing to judge in {name}: {documents}, none with apiVersion and kind"
    if report.target.kind == "stdin":
        return "nothing to judge in standard input: it is empty"
    if report.target.kind == "file":
        return f"nothing to judge in {name}: it holds no object"
    if reading.ignored:
        left_out = count(reading.ignored, "file or folder is", "files or folders are")
        return f"nothing to judge in {name}: {left_out} left out by an ignore file or --exclude-path"
    if report.charts or report.kustomizations:
        rendered = [count(report.charts, "chart")] if report.charts else []
        rendered += [count(report.kustomizations, "kustomization")] if report.kustomizations else []
        return f"nothing to judge in {name}: {' and '.join(rendered)}, rendered to no object"
    return f"nothing to judge in {name}: no file with the ending .yaml, .yml or .json holds an object"


def _why_nothing_judged(report: PostureReport, request: Request) -> str:
    """Why none of the objects that were read could be judged."""
    chosen = _in_namespaces(request)
    if chosen and not any(map(chosen, report.resources)):
        present = sorted({plain(resource.namespace) for resource in report.resources if resource.namespace})
        there = f"; there are {', '.join(present[:_NAMESPACES])}" if present else ""
        return f"none in the chosen namespaces{there}"
    barred = [skip for skip in report.skips if skip.kind != "no objects"]
    if len(barred) == len(report.controls):
        return f"{barred[0].control}: {barred[0].why}"
    return "none that a chosen control looks at"


def _first_unread(report: PostureReport) -> str:
    unread = report.unread[0]
    return f"{unread.where}{f':{unread.line}' if unread.line else ''}: {unread.why}"


def _page(
    request: Request, reading: Reading, outcome: Verdict, is_terminal: bool, chosen: tuple[Destination, ...]
) -> Page:
    command = "kubectl leadline" if Path(sys.argv[0]).name.startswith("kubectl-") else "leadline"
    return Page(
        places=reading.places,
        width=_width(os.environ, is_terminal),
        colour=is_terminal and not request.no_color and _wants_colour(os.environ) and not request.output,
        verbose=request.verbose,
        command=command,
        coverage=request.verbose_coverage,
        rbac=f"{command} {_words(request, 'rbac')}" if request.form != "workload" else "",
        again="" if reading.target.kind == "stdin" else _again(request, command),
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


def _remark(
    request: Request,
    reading: Reading,
    report: PostureReport,
    outcome: Verdict,
    chosen: tuple[Destination, ...],
) -> None:
    """Oddities, what was written, and the verdict where the output does not end with it."""
    if request.quiet:
        return
    shown = reading.notes if request.verbose else reading.notes[:_NOTES]
    lines = [f"note: {plain(note, 4096)}" for note in shown]
    if len(shown) < len(reading.notes):
        lines.append(f"note: and {len(reading.notes) - len(shown):,} more, -v shows them")
    lines += [f"written: {destination.path}" for destination in chosen if destination.path]
    if not any(d.format.name == "pretty" and not d.path for d in chosen):
        lines.append(closing(report, outcome.text))
    for line in lines:
        sys.stderr.write(line + "\n")
