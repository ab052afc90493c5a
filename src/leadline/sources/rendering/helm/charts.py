"""Charts, rendered by Helm's own engine to the objects that an installation would create.

A finding on such an object points to the template. Who renders, and within which limits: ``helm_engine``.
"""

import os
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from msgspec import Struct, structs

from leadline.errors import UsageError
from leadline.model.resource import Origin, Resource
from leadline.model.unread import Unread
from leadline.sources.child_process import closed_environment
from leadline.sources.confinement import Confinement, Modes, python_folders
from leadline.sources.rendering.helm.dependencies import Borrowed, Lenders
from leadline.sources.rendering.helm.engine import (
    ChartAnswer,
    ChartRequest,
    Engine,
    ProgramEngine,
    Run,
    engine_for,
    render_all,
)
from leadline.sources.rendering.helm.files import ChartFiles, makes_random_texts, read_template
from leadline.sources.rendering.helm.template_trace import in_template_order
from leadline.sources.rendering.helm.undecided import Blocks, Doubts, doubts, open_rows, templates_of
from leadline.sources.rendering.plan.budget import Budget
from leadline.sources.rendering.plan.file_owner import Ownership, relative_path
from leadline.sources.rendering.plan.kept import KeptRenders
from leadline.sources.rendering.plan.result import (
    NOT_ALLOWED,
    Collector,
    HelmOptions,
    ParsedText,
    Rendered,
    RenderOptions,
)

_TEMPLATE_PLACE = re.compile(
    r"([\w.+-]+(?:/[\w.+-]+)*/(?:templates|charts|crds)/[^\s:()\"]+):(\d+)(?::(\d+))?"
)
_SPACE = re.compile(r"\s+")
_WHY_LENGTH = 500
_VALUE_BORDER = re.compile(r"(?<!\\),[^,=]*=|[{},]")
_VALUES_NAMED = 100
"""Of one chart."""
_BAD_VERSION = ("as version", "illegal version string")
_WANTS_VALUES = ("nil pointer", "execution error", "specifications of the schema", " is required")
# Without a path: the one known here is relative to the target, not to the folder that the user is in.
_BUILD_HINT = "run helm dependency build in its folder"
_UPGRADE = "as an upgrade"
_WITH_APIS = "where the cluster has every API that it asks for"
_NO_ENGINE = "no Helm found to render it"
_NO_ENGINE_HINT = "put helm on the PATH or install leadline[render]"


def read_charts(plan: Ownership, options: RenderOptions, shown_root: str, budget: Budget) -> Rendered:
    """The objects of every chart of ``plan``; ``shown_root`` is the root as the user named it.

    Raises:
        UsageError: a values file does not exist.
    """
    collector = Collector(shown_root, options.texts_bytes)
    renderers: tuple[str, ...] = ()
    reader = _ChartReader(plan, collector, options)
    values = tuple(_values_file(entry) for entry in options.helm.values)
    wanted = [
        (asked, request)
        for chart in plan.charts
        for asked in reader.renderings(chart, values, options.helm)
        if (request := reader.request(asked, options.helm))
    ]
    kept = options.kept or KeptRenders()
    readable = kept.readable or tuple(
        dict.fromkeys((plan.boundary.top, *values, *(file for asked, _ in wanted for file in asked.values)))
    )
    confinement = Confinement(options.modes or Modes(), readable, (), python_folders())
    run = Run(closed_environment(options.environment), options.limits, threading.Event(), confinement, budget)
    program = shutil.which("helm", path=options.environment.get("PATH", ""))
    asked_anew = [request for request in dict.fromkeys(r for _, r in wanted) if kept.get(request) is None]
    if not options.is_allowed:
        ready = []
    elif options.kept:
        ready = kept.once("engines", lambda: _kept_engines(kept, program or "", run, options.workers))
    else:
        ready = _engines(program or "", run, min(options.workers, max(1, len(asked_anew))))
    if wanted and not ready:
        why, hint = (_NO_ENGINE, _NO_ENGINE_HINT) if options.is_allowed else (NOT_ALLOWED, "")
        collector.unread += [
            Unread(chart, why, "not rendered", hint=hint, kind="chart")
            for chart in dict.fromkeys(asked.chart for asked, _ in wanted)
        ]
    elif wanted:
        pool = kept.once("threads", lambda: _kept_threads(kept, len(ready))) if options.kept else None
        rendered = render_all(ready, asked_anew, run, pool)
        fresh = dict(zip(asked_anew, rendered, strict=True))
        answers = [fresh.get(request) or kept.get(request) for _, request in wanted]
        for request, answer in fresh.items():
            if answer.error_kind in ("", "helm"):
                kept.put(request, _files_of(request), answer)
        renderers = _renderers(
            answers, lambda: kept.once("version of helm", lambda: ProgramEngine.text(program or "", run))
        )
        for (asked, request), answer in zip(wanted, answers, strict=True):
            reader.take(asked, answer, request)
        reader.end()
        collector.unread += reader.undecided()
    rendered_charts = frozenset(reader.rendered)
    failed = frozenset(plan.charts) - rendered_charts - frozenset(reader.libraries)
    claimed = {path: owner for path, owner in plan.owners.items() if owner.kind == "helm"}
    return Rendered(
        resources=tuple(collector.resources),
        unread=tuple(collector.unread),
        notes=tuple(collector.notes),
        claimed=frozenset(plan.absolute(path) for path in claimed),
        owners=claimed,
        left_out=(*reader.left_out, *reader.unused_values()),
        charts=len(rendered_charts),
        test_files=frozenset(reader.test_files),
        failed=failed,
        rendered_charts=rendered_charts,
        files=frozenset(resource.origin.path for resource in collector.resources),
        not_kubernetes=collector.not_kubernetes,
        renderers=renderers,
        texts=collector.texts,
    )


def _engines(program: str, run: Run, number: int) -> list[Engine]:
    engines = (engine_for(program, run) for _ in range(number))
    return [engine for engine in engines if engine is not None]


def _kept_engines(kept: KeptRenders, program: str, run: Run, number: int) -> list[Engine]:
    engines = _engines(program, run, number)
    for engine in engines:
        kept.open.push(engine.__exit__)
    return engines


def _kept_threads(kept: KeptRenders, number: int) -> ThreadPoolExecutor:
    return kept.open.enter_context(ThreadPoolExecutor(number))


def _files_of(request: ChartRequest) -> Iterator[str]:
    """All files and folders that an answer is made of."""
    yield from (request.chart, *request.values, *(path for _, path in request.parts))


def _renderers(answers: Iterable[ChartAnswer], program_text: Callable[[], str]) -> tuple[str, ...]:
    """The user's ``helm`` where it rendered, then the bundled engine where that did."""
    versions = dict.fromkeys(answer.engine for answer in answers if not answer.error)
    return tuple(f"bundled Helm {version}" if version else program_text() for version in sorted(versions))


class _Rendering(Struct, frozen=True):
    """One that is asked for."""

    chart: str
    """Relative to the root."""
    values: tuple[str, ...]
    """Absolute, those of all charts at the end."""
    asked: tuple[str, ...] = ()
    """As the origin names those that were asked for this one rendering."""
    setting: str = ""
    """``as an upgrade``; empty for the one that others are compared with."""
    is_upgrade: bool = False
    apis: tuple[str, ...] = ()
    """That the cluster has beside those of Kubernetes."""
    is_added_to: bool = False
    """Whether it is the one with the chart's own values, beside others that were asked for."""

    @property
    def text(self) -> str:
        """`` (with prod.yaml)``; empty where none was asked for."""
        words = [f"with {', '.join(self.asked)}"] if self.asked else []
        words += [self.setting] if self.setting else []
        return f" ({' '.join(words)})" if words else ""


class _ChartReader:
    """Turns charts into requests, and answers into objects."""

    def __init__(self, plan: Ownership, collector: Collector, options: RenderOptions) -> None:
        self._hidden = _values_in_words(options.helm)
        self._with_tests = options.helm.with_tests
        self._kept = options.kept
        self._plan = plan
        self._top = Path(plan.root)
        self._collector = collector
        self._lenders = Lenders(self._top, plan.charts, plan.boundary)
        self._borrowed: dict[str, Borrowed] = {}
        self._used: set[str] = set()
        self._with_own_values: list[tuple[str, Unread]] = []
        """Charts that could not be rendered with their own values alone, beside other renderings."""
        self._doubts: dict[str, Doubts] = {}
        self._known_texts: dict[str, Blocks] = self._kept.once("known templates", dict) if self._kept else {}
        self._answers: dict[tuple[str, tuple[str, ...]], ChartAnswer] = {}
        """Of installations, which others are compared with."""
        self._settled: dict[str, set[str]] = {}
        """By chart, the settings that it was rendered in."""
        self.rendered: dict[str, None] = {}
        self.left_out: list[Unread] = []
        self.libraries: list[str] = []
        self.test_files: list[str] = []

    def renderings(self, chart: str, values: tuple[str, ...], options: HelmOptions) -> list[_Rendering]:
        """Those that were asked of ``chart``, else the one with ``values`` alone."""
        real = os.path.realpath(self._top / chart)
        asked = [one for one in options.renderings if os.path.realpath(one.chart) == real]
        found = {
            one.values: _Rendering(
                chart,
                (*map(_values_file, one.values), *values),
                tuple(self._named(file, chart) for file in one.values),
            )
            for one in asked
        }
        # Those that only add leave the one in its place that would be there without them.
        if all(one.adds for one in asked):
            found = {
                (): _Rendering(chart, values, is_added_to=bool(asked)),
                **{k: v for k, v in found.items() if k},
            }
        self._used.update(file for one in found.values() for file in one.values)
        if asked:
            names = (", ".join(one.asked) or "its own values" for one in found.values())
            why = f"rendered with {'; with '.join(names)}"
            self._collector.notes.append(Unread(chart, why, "incomplete"))
        return [other for one in found.values() for other in self._in_settings(one, options)]

    def _in_settings(self, one: _Rendering, options: HelmOptions) -> Iterator[_Rendering]:
        """The rendering itself, and others where the chart looks at what no values decide."""
        yield one
        found = self._doubts_of(one.chart)
        if found.has_upgrade:
            yield structs.replace(one, setting=_UPGRADE, is_upgrade=True)
        if apis := tuple(api for api in found.apis if api not in options.api_versions):
            yield structs.replace(one, setting=_WITH_APIS, apis=apis)

    def _doubts_of(self, chart: str) -> Doubts:
        if chart not in self._doubts:
            owned = [path for path, owner in self._plan.owners.items() if owner.kind == "helm"]
            inside = [path for path in owned if self._plan.owners[path].of == chart]
            kept = self._kept or KeptRenders()
            self._doubts[chart] = kept.once(
                ("doubts", chart, *inside),
                lambda: doubts(templates_of(self._top, chart, inside), self._known_texts),
                (str(self._top / chart), *(str(self._top / path) for path in inside)),
            )
        return self._doubts[chart]

    def undecided(self) -> Iterator[Unread]:
        """What of the rendered charts depends on things that were not tried."""
        for chart in self.rendered:
            settled = self._settled.get(chart, set())
            found = self._doubts_of(chart)
            for row in open_rows(found, upgraded=_UPGRADE in settled, with_apis=_WITH_APIS in settled):
                why = f"depends on {' and '.join(row.on)}: what it renders to otherwise was not judged"
                hint = "let values decide, which a scan can be given"
                yield Unread(row.path, why, "not rendered", row.line, hint=hint)

    def _named(self, file: str, chart: str) -> str:
        folder = self._top / chart
        if not self._plan.boundary.holds(file):
            return file
        return relative_path(file, folder if folder.is_dir() else folder.parent)

    def request(self, asked: _Rendering, options: HelmOptions) -> ChartRequest | None:
        chart = asked.chart
        path = self._top / chart
        refusal = self._plan.boundary.refusal(path)
        if refusal:
            where = relative_path(refusal.path, self._top)
            self._collector.unread.append(
                Unread(where, f"{refusal.why}, so the chart was not rendered", "not rendered", kind="chart")
            )
            return None
        return ChartRequest(
            str(path),
            options.release_name,
            options.namespace,
            asked.values,
            options.sets,
            options.set_strings,
            options.kube_version,
            (*options.api_versions, *asked.apis),
            self._plan.boundary.top,
            asked.is_upgrade,
            self._borrowed_by(chart).parts if path.is_dir() else (),
        )

    def unused_values(self) -> Iterator[Unread]:
        """Files of values beside the charts that the scan was not given."""
        for chart in self.rendered:
            folder = self._top / chart
            for path in sorted(folder.glob("*values*.y*ml"))[:_VALUES_NAMED] if folder.is_dir() else ():
                if path.name != "values.yaml" and str(path.absolute()) not in self._used:
                    where = relative_path(str(path), self._top)
                    why = "values that the chart was not rendered with"
                    yield Unread(where, why, "left out", hint="give them with --values")

    def _borrowed_by(self, chart: str) -> Borrowed:
        if chart not in self._borrowed:
            self._borrowed[chart] = self._lenders.borrow(chart)
        return self._borrowed[chart]

    def end(self) -> None:
        """What became of charts that cannot be rendered with their own values: nothing is installed with these alone."""
        for chart, failed in self._with_own_values:
            if chart in self.rendered:
                self.left_out.append(structs.replace(failed, reason="left out"))
            else:
                self._collector.unread.append(failed)

    def take(self, asked: _Rendering, answer: ChartAnswer, request: ChartRequest) -> None:
        chart = asked.chart
        borrowed = self._borrowed.get(chart, Borrowed()).charts
        files = ChartFiles(self._top, chart, borrowed)
        missing = tuple(sorted(set(answer.declared) - set(answer.loaded)))
        if asked.setting:
            self._take_other(asked, answer, files, request)
            return
        self._answers[chart, asked.values] = answer
        if answer.error:
            self._take_failed(asked, answer, _failed(chart, answer, files, missing))
            return
        if answer.type == "library":
            if chart in self.libraries:
                return
            self.libraries.append(chart)
            why = "a library chart, which has no objects of its own"
            self._collector.notes.append(Unread(chart, why, "left out"))
            return
        first = chart not in self.rendered
        self.rendered[chart] = None
        if borrowed and first:
            lent = ", ".join(f"{name} from {path}" for name, path in sorted(borrowed.items()))
            self._collector.notes.append(
                Unread(
                    chart, f"missing dependencies were taken from neighbouring folders: {lent}", "incomplete"
                )
            )
        if missing and first:
            self._collector.unread.append(_missing(chart, missing))
        count = self._take_texts(asked, answer, files, request)
        if count == 0 and not missing:
            self._collector.notes.append(
                Unread(
                    chart,
                    f"rendered, but to no object with these values{asked.text}",
                    "not rendered",
                    hint="give others with --values",
                )
            )
        if answer.silent:
            why = (
                f"subcharts that its values turn off were not judged: {', '.join(answer.silent)}{asked.text}"
            )
            hint = "turn them on with --set or --values"
            self._collector.notes.append(Unread(chart, why, "left out", hint=hint))

    def _take_other(
        self, asked: _Rendering, answer: ChartAnswer, files: ChartFiles, request: ChartRequest
    ) -> None:
        """What comes of another setting is judged apart where it differs. One that fails leaves what it was for undecided."""
        first = self._answers.get((asked.chart, asked.values), ChartAnswer(error="not rendered"))
        if first.error or answer.error or answer.type == "library":
            return
        self._settled.setdefault(asked.chart, set()).add(asked.setting)
        if (_manifests(answer), answer.crds) != (_manifests(first), first.crds):
            self._take_texts(asked, answer, files, request)
            why = f"rendered {asked.setting} as well, and judged apart: it differs from an installation"
            self._collector.notes.append(Unread(asked.chart, why, "incomplete"))

    def _take_failed(self, asked: _Rendering, answer: ChartAnswer, failed: Unread) -> None:
        why = failed.why
        for value in self._hidden:
            why = why.replace(value, "…")
        failed = structs.replace(failed, why=f"{why}{asked.text}")
        if asked.is_added_to and any(words in answer.error for words in _WANTS_VALUES):
            self._with_own_values.append((asked.chart, failed))
        else:
            self._collector.unread.append(failed)

    def _take_texts(
        self, asked: _Rendering, answer: ChartAnswer, files: ChartFiles, request: ChartRequest
    ) -> int:
        """The number of objects in them."""
        before = len(self._collector.resources)
        if self._kept is None:
            parsed: Iterable[ParsedText] = (self._parsed(*row) for row in self._texts(asked, answer, files))
        else:
            parsed = self._kept.once(
                (self._collector.root, asked, request),
                lambda: [self._parsed(*row) for row in self._texts(asked, answer, files)],
                _files_of(request),
            )
        count = sum(map(self._collector.add, parsed))
        if not self._with_tests:
            self._leave_tests_out(before)
        return count

    def _parsed(self, text: str, origin: Origin) -> ParsedText:
        if self._kept is None:
            return self._collector.parsed(text, origin)
        # Most templates render to what they did, also where a value of their chart has changed.
        return self._kept.once((origin, text), lambda: self._collector.parsed(text, origin))

    def _texts(
        self, asked: _Rendering, answer: ChartAnswer, files: ChartFiles
    ) -> Iterator[tuple[str, Origin]]:
        texts = [*answer.crds, *(row for row in sorted(answer.templates.items()) if _is_manifest(row[0]))]
        known = self._doubts_of(asked.chart).random
        is_random = makes_random_texts(str(self._top), map(files.path_of, answer.templates), known)
        for engine_path, text in texts:
            path = files.path_of(engine_path)
            if answer.is_sorted and "\n---" in text:
                text = in_template_order(text, read_template(str(self._top), path))
            origin = Origin(
                "helm",
                path,
                root=self._collector.root,
                rendered_from=asked.chart,
                values=asked.asked,
                setting=asked.setting,
                is_random=is_random,
            )
            yield text, origin

    def _leave_tests_out(self, start: int) -> None:
        """Hooks that run for ``helm test`` alone (https://helm.sh/docs/topics/charts_hooks/), of the objects from ``start`` on."""
        collector = self._collector
        new = collector.resources[start:]
        tests = [one for one in new if _is_test(one)]
        if not tests:
            return
        collector.resources[start:] = [one for one in new if not _is_test(one)]
        self.test_files += (test.origin.path for test in tests)
        why, hint = "it runs for helm test alone and was not judged", "judge it with --helm-tests"
        for test in tests:
            collector.notes.append(Unread(f"{test.origin.path}: {test.title}", why, "left out", hint=hint))


def _is_test(resource: Resource) -> bool:
    metadata = resource.body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    hooks = annotations.get("helm.sh/hook") if isinstance(annotations, dict) else None
    words = {word.strip() for word in hooks.split(",")} if isinstance(hooks, str) else set[str]()
    return bool(words) and words <= _TEST_HOOKS


_TEST_HOOKS = frozenset({"test", "test-success", "test-failure"})


def _values_in_words(options: HelmOptions) -> tuple[str, ...]:
    """The values that ``--set`` and ``--set-string`` give, which may be secrets; the longest first.

    A chart may repeat them in its complaint.
    """
    texts = (entry.partition("=")[2] for entry in (*options.sets, *options.set_strings))
    values = {part for text in texts for part in (text, *_VALUE_BORDER.split(text))}
    return tuple(sorted((value for value in values if len(value) > 2), key=len, reverse=True))


def _values_file(entry: str) -> str:
    path = Path(entry)
    if not path.is_file():
        raise UsageError(f"values file {entry}: no such file", hint="--values takes a file on this machine")
    return str(path.absolute())


def _manifests(answer: ChartAnswer) -> dict[str, str]:
    return {path: text for path, text in answer.templates.items() if _is_manifest(path)}


def _is_manifest(engine_path: str) -> bool:
    name = engine_path.rpartition("/")[2]
    return not name.startswith("_") and name != "NOTES.txt"


def _missing(chart: str, names: tuple[str, ...]) -> Unread:
    why = f"rendered without the dependencies it lacks: {', '.join(names)}"
    return Unread(chart, why, "incomplete", hint=_BUILD_HINT)


def _failed(chart: str, answer: ChartAnswer, files: ChartFiles, missing: tuple[str, ...]) -> Unread:
    """Helm's message in one line, at the template it blames."""
    message = _SPACE.sub(" ", answer.error).strip()
    place = _TEMPLATE_PLACE.search(answer.error)
    path, line, column = (
        (files.path_of(place[1]), int(place[2]), int(place[3] or 0)) if place else (chart, 0, 0)
    )
    if len(message) > _WHY_LENGTH:
        message = message[:_WHY_LENGTH] + "…"
    why = f"the chart{f' {chart}' if chart else ''} was not rendered: {message}"
    return Unread(path, why, "not rendered", line, column, _hint(answer, missing), kind="chart")


def _hint(answer: ChartAnswer, missing: tuple[str, ...]) -> str:
    error = answer.error
    if answer.error_kind == "Values" or any(words in error for words in _BAD_VERSION):
        return ""
    if missing or "missing in charts/" in error:
        return _BUILD_HINT
    if "kubeVersion" in error:
        return "name the cluster's version with --kube-version"
    if answer.error_kind in ("out of time", "out of memory", "too much output", "crashed"):
        return ""
    if "chart.metadata" in error:
        return "fix its Chart.yaml"
    if any(words in error for words in _WANTS_VALUES):
        return "give the values it needs with --values or --set"
    return ""
