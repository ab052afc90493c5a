"""Helm's own engine, run in child processes: the user's ``helm``, else the engine of the ``render`` extra.

A chart that brings its child down costs that chart alone; the next one gets a new child.
"""

import importlib.util
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Protocol

import msgspec
from msgspec import Struct, structs

from leadline.foreign_errors import in_words
from leadline.sources.child_process import NOT_STARTED, Child, Command, Fate, Limits, Outcome, run_child
from leadline.sources.confinement import Confinement
from leadline.sources.rendering.helm import worker as helm_child
from leadline.sources.rendering.plan.budget import Budget
from leadline.sources.rendering.plan.renderer_version import VERSION, renderer_text
from leadline.untyped import MALFORMED

_SOURCE_LINE = re.compile(r"^# Source: (\S+)$", re.MULTILINE)
_ERROR = re.compile(
    r"^Error: (.*?)(?:\n+Use --debug flag to render out invalid YAML)?\s*\Z", re.MULTILINE | re.DOTALL
)
"""Warnings go before it, and advice for users of Helm itself after it."""
_NO_START = "not started"
_LIBRARY = "library charts are not installable"


class Run(Struct, frozen=True):
    """What all engines of one scan share."""

    environment: Mapping[str, str]
    limits: Limits
    stopped: threading.Event
    """Set to end them."""
    confinement: Confinement
    budget: Budget


class ChartRequest(Struct, frozen=True, rename={"set_": "set"}):
    """One chart to render; ``chart`` and ``values`` are absolute paths."""

    chart: str
    name: str
    namespace: str
    values: tuple[str, ...] = ()
    set_: tuple[str, ...] = ()
    set_string: tuple[str, ...] = ()
    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    boundary: str = ""
    """The real path of the folder that no file may lie outside of."""
    is_upgrade: bool = False
    parts: tuple[tuple[str, str], ...] = ()
    """Charts that replace dependencies: place within the chart, and absolute path."""


class ChartAnswer(Struct, frozen=True):
    """What the engine made of a chart: ``error``, or the rest."""

    error: str = ""
    error_kind: str = ""
    name: str = ""
    type: str = "application"
    templates: dict[str, str] = {}
    """Rendered text by ``CHART/templates/FILE``; a subchart's begins with ``CHART/charts/NAME/``."""
    crds: list[tuple[str, str]] = []
    """Path, with the chart's name in front, and text."""
    has_crds_as_before: bool = False
    """Whether they are left out for being those of the last answer about this chart; in no answer that an engine gives."""
    declared: list[str] = []
    """Names of the dependencies that the chart asks for."""
    loaded: list[str] = []
    """Names of the dependencies that it has."""
    silent: list[str] = []
    """Names of the subcharts that nothing was rendered of, as far as the engine says."""
    engine: str = ""
    """The version of the bundled engine where that rendered it."""
    is_sorted: bool = False
    """Whether the documents of a template are in the order of an installation, by kind, and not in their own."""


class Engine(Protocol):
    """Renders one chart after the other; closed by leaving its ``with`` block."""

    def render(self, request: ChartRequest, *, again: bool) -> ChartAnswer:
        """``again``: the last request was about the same chart and values, and its files have not changed since."""

    def __enter__(self) -> "Engine": ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class BundledEngine:
    """The engine of the ``render`` extra, in a child that lives as long as it behaves."""

    def __init__(self, run: Run) -> None:
        # -P: a module beside the child's file must not replace one of the standard library.
        argv = (sys.executable, "-P", str(Path(helm_child.__file__)))
        self._command = Command(argv, "/", run.environment, run.stopped, run.confinement)
        self._limits = run.limits
        self._child: Child | None = None
        self._crds: dict[str, list[tuple[str, str]]] = {}
        """Those of the last answer about each chart."""

    def render(self, request: ChartRequest, *, again: bool) -> ChartAnswer:
        if self._child is None:
            try:
                self._child = Child(self._command, self._limits)
            except OSError as error:
                return ChartAnswer(
                    error=f"the engine cannot be started: {in_words(error)}", error_kind="crashed"
                )
        output, fate = self._child.ask(msgspec.json.encode({**msgspec.to_builtins(request), "again": again}))
        if fate == "ended":
            try:
                answer = msgspec.json.decode(output, type=ChartAnswer)
            except MALFORMED as error:
                return ChartAnswer(
                    error=f"the engine's answer is unreadable: {in_words(error)}", error_kind="crashed"
                )
            if answer.has_crds_as_before:
                answer = structs.replace(answer, crds=self._crds[request.chart], has_crds_as_before=False)
            elif not answer.error:
                self._crds[request.chart] = answer.crds
            return answer
        outcome = self._child.end(b"", fate)
        self.close()
        return ChartAnswer(error=_unfinished(outcome, self._limits), error_kind=outcome.fate)

    def close(self) -> None:
        if self._child is not None:
            self._child.__exit__(None, None, None)
            self._child = None

    def __enter__(self) -> "BundledEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ProgramEngine:
    """The user's own ``helm``, one process a chart (https://helm.sh/docs/helm/helm_template/)."""

    def __init__(self, program: str, run: Run) -> None:
        self._program = program
        self._run = run
        self._limits = run.limits

    def render(self, request: ChartRequest, *, again: bool) -> ChartAnswer:
        argv = [self._program, "template", request.name, request.chart, "--namespace", request.namespace]
        argv += ["--include-crds", *(["--is-upgrade"] if request.is_upgrade else [])]
        argv += ["--kube-version", request.kube_version] if request.kube_version else []
        for flag, entries in (
            ("--values", request.values),
            ("--set", request.set_),
            ("--set-string", request.set_string),
            ("--api-versions", request.api_versions),
        ):
            argv += [part for entry in entries for part in (flag, entry)]
        command = Command(tuple(argv), "/", self._run.environment, self._run.stopped, self._run.confinement)
        try:
            outcome = run_child(command, self._limits)
        except OSError as error:
            return ChartAnswer(
                error=f"{self._program} cannot be started: {in_words(error)}", error_kind="crashed"
            )
        if outcome.fate != "ended":
            return ChartAnswer(error=_unfinished(outcome, self._limits), error_kind=outcome.fate)
        if outcome.code != 0:
            found = _ERROR.search(outcome.complaint)
            why = found[1] if found else outcome.complaint.strip() or "no reason given"
            if outcome.code in NOT_STARTED:
                return ChartAnswer(error=why, error_kind=_NO_START)
            return (
                ChartAnswer(type="library") if why == _LIBRARY else ChartAnswer(error=why, error_kind="helm")
            )
        return _answer_of(outcome.output.decode("utf-8", "replace"))

    @staticmethod
    def text(program: str, run: Run) -> str:
        """``helm v3.19.2``."""
        argv = (program, "version", "--template", "{{.Version}}")
        command = Command(argv, "/", run.environment, threading.Event(), run.confinement)
        return renderer_text([("helm", f"({VERSION})")], command, run.limits)

    def __enter__(self) -> "ProgramEngine":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class _FirstThatCan:
    """The user's ``helm``. What it refuses for want of a dependency, the bundled engine renders without, and all where
    it is one that starts others, which the confinement does not know.
    """

    def __init__(self, first: ProgramEngine, second: BundledEngine) -> None:
        self._first = first
        self._second = second

    def render(self, request: ChartRequest, *, again: bool) -> ChartAnswer:
        answer = self._first.render(request, again=again)
        needs_other = answer.error_kind == _NO_START or "missing in charts/" in answer.error
        return self._second.render(request, again=False) if needs_other else answer

    def __enter__(self) -> "_FirstThatCan":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._second.close()


def has_bundled_engine() -> bool:
    return importlib.util.find_spec("helm_python") is not None


def engine_for(program: str, run: Run) -> Engine | None:
    """``program`` is the path of the user's ``helm``, empty for none; ``None`` means that none is installed."""
    bundled = BundledEngine(run) if has_bundled_engine() else None
    if not program:
        return bundled
    own = ProgramEngine(program, run)
    return own if bundled is None else _FirstThatCan(own, bundled)


def render_all(
    engines: Sequence[Engine],
    requests: Sequence[ChartRequest],
    run: Run,
    kept: ThreadPoolExecutor | None = None,
) -> list[ChartAnswer]:
    """The answer to each request, in their order; every engine takes the next chart as soon as it is free.

    They end here. With ``kept``, whose threads start them, they go on: a child ends with the thread that started it.
    """
    answers: list[ChartAnswer] = [ChartAnswer(error="not rendered", error_kind="stopped")] * len(requests)
    groups = [
        tuple(group) for _, group in groupby(range(len(requests)), lambda index: _files_of(requests[index]))
    ]
    waiting = iter(groups)
    lock = threading.Lock()

    def work(engine: Engine) -> None:
        with engine if kept is None else nullcontext():
            while not run.stopped.is_set():
                with lock:
                    group = next(waiting, ())
                if not group:
                    return
                for index in group:
                    if run.stopped.is_set():
                        return
                    if why := run.budget.why_spent():
                        answers[index] = ChartAnswer(error=why, error_kind="out of time")
                        continue
                    answers[index] = answer = engine.render(requests[index], again=index > group[0])
                    run.budget.spend(
                        sum(map(len, answer.templates.values())) + sum(len(text) for _, text in answer.crds)
                    )

    with ThreadPoolExecutor(max_workers=max(1, len(engines))) if kept is None else nullcontext(kept) as pool:
        try:
            for task in [pool.submit(work, engine) for engine in engines[: len(groups)]]:
                task.result()
        except BaseException:
            run.stopped.set()
            raise
    if kept is None:
        run.stopped.set()
    return answers


def _files_of(request: ChartRequest) -> tuple[str, tuple[str, ...], tuple[tuple[str, str], ...]]:
    return request.chart, request.values, request.parts


def _answer_of(output: str) -> ChartAnswer:
    """Sorts what ``helm template`` writes by the template that each document names in its first line."""
    templates: dict[str, list[str]] = {}
    crds: list[tuple[str, str]] = []
    marks = list(_SOURCE_LINE.finditer(output))
    for mark, after in zip(marks, [*marks[1:], None], strict=False):
        text = output[mark.end() : after.start() if after else len(output)].lstrip("\n")
        if after:
            text = text.removesuffix("---\n")
        path = mark[1]
        if "/crds/" in path and "/templates/" not in path:
            crds.append((path, text))
        else:
            templates.setdefault(path, []).append(text)
    joined = {path: "---\n".join(texts) for path, texts in templates.items()}
    name = marks[0][1].partition("/")[0] if marks else ""
    return ChartAnswer(name=name, templates=joined, crds=crds, is_sorted=True)


def _unfinished(outcome: Outcome, limits: Limits) -> str:
    reasons: dict[Fate, str] = {
        "out of time": f"not finished after {limits.timeout_s:g} s",
        "out of memory": f"needs more than {limits.memory_bytes >> 20} MiB of memory",
        "too much output": f"renders to more than {limits.output_bytes >> 20} MiB",
    }
    last = outcome.complaint.splitlines()[0] if outcome.complaint else f"exit code {outcome.code}"
    if outcome.fate in reasons:
        return reasons[outcome.fate]
    # Go dies in many ways where it gets no memory, and says so in few of them.
    doubt = f", as it may when it needs more than {limits.memory_bytes >> 20} MiB" if outcome.code < 0 else ""
    return f"the engine stopped ({last}){doubt}"
