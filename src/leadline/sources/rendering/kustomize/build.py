"""Kustomizations, built by Kustomize itself to the objects that would be applied.

Each is built through an overlay of ours in a temporary folder, which asks for the origin of every object
(https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/buildmetadata/), so that a finding
points to the base that holds the object. Plugins stay off and files stay within their kustomization's
folder, as Kustomize has it by default.
"""

import json
import os
import re
import shutil
import sysconfig
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from leadline.model.resource import Origin, Resource
from leadline.model.unread import Unread
from leadline.sources.boundary import Boundary, Refusal, boundary_of
from leadline.sources.child_process import (
    NOT_STARTED,
    Command,
    Limits,
    Outcome,
    closed_environment,
    run_child,
)
from leadline.sources.confinement import Confinement, Modes
from leadline.sources.regular_file import read_regular
from leadline.sources.rendering.plan.budget import Budget
from leadline.sources.rendering.plan.file_owner import Owner, OwnerKind, Ownership, Root, relative_path
from leadline.sources.rendering.plan.kept import KeptRenders
from leadline.sources.rendering.plan.kustomization import (
    FILE_NAMES,
    Kustomization,
    has_address,
    read_kustomization,
)
from leadline.sources.rendering.plan.renderer_version import VERSION, renderer_text
from leadline.sources.rendering.plan.result import NOT_ALLOWED, Collector, ParsedText, Rendered, RenderOptions
from leadline.sources.temporary_folder import temporary_folder
from leadline.sources.yaml.parser import parse_documents

_ORIGIN = "config.kubernetes.io/origin"
_BUILD_ENVIRONMENT = {"GIT_CONFIG_NOSYSTEM": "1"}
_SPACE = re.compile(r"\s+")
_LINE = re.compile(r"\bline (\d+)\b")
_WRAPPERS = re.compile(
    r"accumulating (resources|components): |accumulation err='|recursed accumulation of path '[^']*': "
    r"|accumulating (resources|components) from '[^']*': |accumulateDirectory: \"?"
    r"|'[^']*' must resolve to a file': |couldn't make target for path '[^']*': |^Error: |^error: "
)
_WARNINGS = re.compile(r"^# Warning: .*$", re.MULTILINE)
_LOG_LINE = re.compile(r'^[IWEF]\d{4} .*?"command failed" err=(?:"(.*)"|< (.*) >)$')
# What is not a file is tried as a folder; why it is none either is of no interest.
_SECOND_TRY = re.compile(r"'?: (must build at directory|new root '[^']*' cannot be absolute).*$")
_NO_PROGRAM = "no Kustomize found to build it"
_NO_PROGRAM_HINT = "put kustomize or kubectl on the PATH or install leadline[render]"
_WHY_LENGTH = 500
_KIND = "kustomization"
_FOLDERS_LOOKED_AT = 2_000
_SOURCE_BYTES = 8 << 20


def read_kustomizations(plan: Ownership, options: RenderOptions, shown_root: str, budget: Budget) -> Rendered:
    """The objects of every root kustomization of ``plan``; ``shown_root`` is the root as the user named it."""
    collector = Collector(shown_root, 0)
    for lone in plan.lone_components:
        why = "a component that no kustomization here uses; the files it lists are judged unchanged"
        collector.notes.append(Unread(relative_path(lone.folder, Path(plan.root)), why, "not rendered"))
    programs = tuple(dict.fromkeys(_programs(options.environment))) if options.is_allowed else ()
    why, hint = (_NO_PROGRAM, _NO_PROGRAM_HINT) if options.is_allowed else (NOT_ALLOWED, "")
    reader = _Reader(plan, collector)
    renderers: tuple[str, ...] = ()
    ready = [root for root in plan.roots if reader.is_buildable(root, options)]
    if ready and not programs:
        for root in ready:
            reader.fail(
                root,
                Unread(reader.folder_of(root), why, "not rendered", hint=hint, kind=_KIND),
            )
    elif ready:
        kept = options.kept or KeptRenders()
        builder = _Builder(programs, options, reader.boundary, budget)
        anew = [root for root in ready if kept.get(root.kustomization.file) is None]
        fresh = dict(zip([root.kustomization.file for root in anew], builder.build_all(anew), strict=True))
        for root in ready:
            file = root.kustomization.file
            if file in fresh:
                kept.put(file, reader.files_of(root), fresh[file])
            reader.take(root, kept.get(file), builder, kept)
        renderers = kept.once("renderers of kustomizations", builder.used)
    collector.unread += reader.unread()
    owners = reader.owners()
    return Rendered(
        resources=tuple(collector.resources),
        unread=tuple(collector.unread),
        notes=tuple(collector.notes),
        claimed=frozenset(plan.absolute(path) for path in owners),
        owners=owners,
        kustomizations=reader.built,
        renderers=renderers,
        failed=reader.failed(),
        files=frozenset(resource.origin.path for resource in collector.resources),
        not_kubernetes=collector.not_kubernetes,
    )


def find_program(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The start of the command that builds: ``kustomize``, else ``kubectl``, else that of the extra; or empty."""
    return next(_programs(environment), ())


def _programs(environment: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    path = environment.get("PATH", "")
    if program := shutil.which("kustomize", path=path):
        yield (program, "build")
    for folder in (path, sysconfig.get_path("scripts")):
        if program := shutil.which("kubectl", path=folder):
            yield (program, "kustomize")


class _Build(Struct, frozen=True):
    """One run; ``folder`` is that of our overlay, which origins are relative to."""

    outcome: Outcome | None
    folder: str
    problem: str = ""


class _Builder:
    """Builds roots, several at a time, each through an overlay of its own."""

    def __init__(
        self, programs: Sequence[tuple[str, ...]], options: RenderOptions, boundary: Boundary, budget: Budget
    ) -> None:
        self._programs = programs
        self._budget = budget
        self._boundary = boundary
        # What may be fetched needs the user's settings and credentials.
        self._modes = Modes("none", "open") if options.network else options.modes or Modes()
        self._environment = (
            closed_environment(options.environment, network=options.network) | _BUILD_ENVIRONMENT
        )
        self._workers = options.workers
        self._stopped = threading.Event()
        self.limits: Limits = options.limits
        self._used: set[tuple[str, ...]] = set()

    def build_all(self, roots: list[Root]) -> list[_Build]:
        if not roots:
            return []
        with temporary_folder() as folder:
            # Kustomize clones remote bases below TMPDIR; whatever it leaves behind goes with ours.
            self._environment["TMPDIR"] = str(folder)
            confinement = Confinement(self._modes, (self._boundary.top,), (str(folder),))
            with ThreadPoolExecutor(max_workers=self._workers) as pool:
                jobs = [
                    pool.submit(self._build, root, str(folder / str(index)), confinement)
                    for index, root in enumerate(roots)
                ]
                try:
                    return [job.result() for job in jobs]
                finally:
                    self._stopped.set()
                    pool.shutdown(wait=True, cancel_futures=True)

    def used(self) -> tuple[str, ...]:
        """The programs that built, in words: ``kustomize v5.8.1 of kubectl v1.37.1``."""
        return tuple(self._text(program[0]) for program in self._programs if program in self._used)

    def _text(self, program: str) -> str:
        name = Path(program).name
        words: tuple[str, ...] = ("version",)
        names = [("kustomize", f"({VERSION})")]
        if name.startswith("kubectl"):
            words = ("version", "--client", "--output", "json")
            names = [
                ("kustomize", f'"kustomizeVersion": "({VERSION})"'),
                ("kubectl", f'"gitVersion": "({VERSION})"'),
            ]
        command = Command(
            (program, *words), "/", self._environment, threading.Event(), Confinement(self._modes)
        )
        return renderer_text(names, command, self.limits)

    def _build(self, root: Root, folder: str, confinement: Confinement) -> _Build:
        if why := self._budget.why_spent():
            return _Build(None, folder, why)
        overlay = Path(folder)
        overlay.mkdir()
        target = os.path.relpath(os.path.realpath(root.kustomization.folder), folder)
        body = {"resources": [target.replace(os.sep, "/")], "buildMetadata": ["originAnnotations"]}
        (overlay / FILE_NAMES[0]).write_text(json.dumps(body), encoding="utf-8")
        build = _Build(None, folder, "there is nothing to build it with")
        for program in self._programs:
            command = Command((*program, folder), folder, self._environment, self._stopped, confinement)
            try:
                build = _Build(run_child(command, self.limits), folder)
            except OSError as error:
                build = _Build(None, folder, f"{program[0]} cannot be started: {error.strerror or error}")
            # One that starts another program, which the confinement does not know, leaves it to the next.
            if build.outcome is not None and build.outcome.code not in NOT_STARTED:
                self._used.add(program)
                break
        self._budget.spend(len(build.outcome.output) if build.outcome else 0)
        return build


class _Reader:
    """Turns what was built into objects, and what was not into words."""

    def __init__(self, plan: Ownership, collector: Collector) -> None:
        self._plan = plan
        self._top = Path(plan.root)
        self._collector = collector
        self.boundary = _work_tree(self._top, plan.boundary)
        self._sources = _Sources(self._top)
        self._failed: dict[str, tuple[Root, Unread]] = {}
        self.built = 0

    def folder_of(self, root: Root) -> str:
        return relative_path(root.kustomization.folder, self._top)

    def is_buildable(self, root: Root, options: RenderOptions) -> bool:
        """Whether it is worth a try; what it would need that it may not have becomes an ``Unread``."""
        where = self.folder_of(root)
        parts, refusal = _reached(root, self.boundary)
        remotes = [remote for part in parts for remote in part.remotes]
        if not remotes and options.modes and options.modes.network == "none":
            remotes = [address for part in parts for address in part.addresses]
            remotes += [path for part in parts for path in part.patches if has_address(path)]
        if refusal:
            shown = relative_path(refusal.path, self._top)
            hint = "scan the folder that holds both"
            self.fail(
                root,
                Unread(where, f"builds upon {shown}: {refusal.why}", "not rendered", hint=hint, kind=_KIND),
            )
        elif remotes and not options.network:
            more = f" and {len(remotes) - 1} more" if len(remotes) > 1 else ""
            hint = "download it, or allow the network"
            self.fail(
                root,
                Unread(
                    where, f"builds upon the remote {remotes[0]}{more}", "not rendered", hint=hint, kind=_KIND
                ),
            )
        elif any(part.inflates_charts for part in parts):
            hint = "scan the output of: kustomize build --enable-helm"
            self.fail(
                root,
                Unread(
                    where, "inflates Helm charts, which is not enabled", "not rendered", hint=hint, kind=_KIND
                ),
            )
        else:
            return True
        return False

    def fail(self, root: Root, unread: Unread) -> None:
        """Records why; its objects fall to the plain reader, which sees them as they are written."""
        self._failed[root.kustomization.file] = (root, unread)

    def unread(self) -> Iterator[Unread]:
        """What was not built, each with the number of files that no other kustomization builds."""
        free = self._free()
        for root, unread in self._failed.values():
            count = len(self._listed(root) & free)
            verb = "file is" if count == 1 else "files are"
            plain = f"{count} {verb} judged as written" if count else ""
            yield structs.replace(unread, hint="; ".join(part for part in (unread.hint, plain) if part))

    def failed(self) -> frozenset[str]:
        """Folders of the roots that were not built."""
        return frozenset(self.folder_of(root) for root, _ in self._failed.values())

    def _free(self) -> set[str]:
        """Resource files that only failed roots list."""
        failed = [root for root, _ in self._failed.values()]
        kept = [root for root in self._plan.roots if root.kustomization.file not in self._failed]
        free = set().union(*(self._listed(root) for root in failed))
        return free.difference(*(self._listed(root) for root in kept))

    def _listed(self, root: Root) -> set[str]:
        paths = (path for part in root.parts for path in part.resources)
        return {
            path for path in (relative_path(p, self._top) for p in paths) if self._owner(path) == "kustomize"
        }

    def files_of(self, root: Root) -> Iterator[str]:
        """All files and folders that it is built from, absolute."""
        for part in _reached(root, self.boundary)[0]:
            yield from (part.folder, part.file, *part.resources, *part.patches)

    def take(self, root: Root, build: _Build, builder: _Builder, kept: KeptRenders) -> None:
        folder = self.folder_of(root)
        outcome = build.outcome
        if outcome is None or not outcome.is_success:
            why = build.problem if outcome is None else _complaint(outcome, builder.limits)
            if "kustomization.yaml is empty" in why:
                self._collector.notes.append(
                    Unread(folder, "builds to nothing: its kustomization is empty", "not rendered")
                )
                return
            line = _LINE.search(why)
            where = relative_path(root.kustomization.file, self._top)
            shown = why.replace(f"{self._top}{os.sep}", "")
            self.fail(
                root,
                Unread(where, f"not built: {shown}", "not rendered", int(line[1]) if line else 0, kind=_KIND),
            )
            return
        self.built += 1
        before = len(self._collector.resources)
        file = relative_path(root.kustomization.file, self._top)
        origin = Origin("kustomize", file, root=self._collector.root, rendered_from=folder)
        text, overlay = outcome.output.decode("utf-8", "replace"), build.folder
        parsed = kept.once(
            (self._collector.root, file), lambda: self._parsed(text, origin, overlay), self.files_of(root)
        )
        self._collector.add(parsed)
        built, found = parsed.contents.resources, self._collector.resources
        found[before:] = [resource for resource in built if self._owner(resource.origin.path) != "helm"]
        if not built:
            self._collector.notes.append(Unread(folder, "built, but to no object", "not rendered"))
        elif lent := sorted({r.origin.path for r in built} - {r.origin.path for r in found[before:]}):
            why = f"what it takes from charts is judged with them alone: {', '.join(lent)}"
            self._collector.notes.append(Unread(folder, why, "incomplete"))

    def _parsed(self, text: str, origin: Origin, overlay: str) -> ParsedText:
        parsed = self._collector.parsed(text, origin)
        resources = parsed.contents.resources
        resources[:] = [self._placed(resource, origin.path, overlay) for resource in resources]
        return parsed

    def _owner(self, path: str) -> OwnerKind:
        return self._plan.owner_of(path).kind

    def _placed(self, resource: Resource, file: str, overlay: str) -> Resource:
        path = _take_origin(resource.body)
        source = relative_path(os.path.normpath(Path(overlay, path)), self._top) if path else file
        document = self._sources.document_of(source, resource) if path else 0
        old = resource.origin
        origin = Origin("kustomize", source, document, root=old.root, rendered_from=old.rendered_from)
        return Resource(
            resource.api_version, resource.kind, resource.namespace, resource.name, resource.body, origin
        )

    def owners(self) -> dict[str, Owner]:
        """Who owns which file, less the resource files that only failed roots list."""
        free = self._free()
        return {
            path: owner
            for path, owner in self._plan.owners.items()
            if owner.kind == "kustomize" and path not in free
        }


class _Sources:
    """Finds the document of a source file that an object was made from."""

    def __init__(self, top: Path) -> None:
        self._top = top
        self._names: dict[str, list[tuple[int, str, str]]] = {}

    def document_of(self, path: str, resource: Resource) -> int:
        """0 where the file does not show it; names may have got a prefix or a suffix since."""
        if path not in self._names:
            self._names[path] = self._read(path)
        rows = [row for row in self._names[path] if row[1] == resource.kind]
        same = [row for row in rows if row[2] == resource.name]
        alike = same or [row for row in rows if row[2] and row[2] in resource.name] or rows
        return max(alike, key=lambda row: len(row[2]))[0] if alike else 0

    def _read(self, path: str) -> list[tuple[int, str, str]]:
        try:
            content = read_regular(self._top / path, _SOURCE_BYTES)
        except OSError:
            return []
        if b"\n---" not in content:
            return []
        bodies = ((d.index, d.body) for d in parse_documents(content) if isinstance(d.body, dict))
        return [(index, str(body.get("kind", "")), _name(body)) for index, body in bodies]


def _name(body: dict[str, Any]) -> str:
    metadata = body.get("metadata")
    return str(metadata.get("name", "")) if isinstance(metadata, dict) else ""


def _take_origin(body: dict[str, Any]) -> str:
    """The path that our annotation names, relative to our overlay, or empty; the annotation is removed."""
    metadata = body.get("metadata")
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    if not isinstance(metadata, dict) or not isinstance(annotations, dict):
        return ""
    text = annotations.pop(_ORIGIN, "")
    if not annotations:
        del metadata["annotations"]
    lines = (line.partition(": ") for line in str(text).splitlines())
    fields = {key: value for key, _, value in lines if value}
    return "" if "repo" in fields else fields.get("path") or fields.get("configuredIn", "")


def _complaint(outcome: Outcome, limits: Limits) -> str:
    """Kustomize's message without the many layers that wrap it."""
    match outcome.fate:
        case "out of time":
            return f"not finished after {limits.timeout_s:g} s"
        case "out of memory":
            return f"needs more than {limits.memory_bytes >> 20} MiB of memory"
        case "too much output":
            return f"builds to more than {limits.output_bytes >> 20} MiB"
    message = _SPACE.sub(" ", _WARNINGS.sub("", outcome.complaint)).strip() or f"exit code {outcome.code}"
    if logged := _LOG_LINE.match(message):
        quoted = (logged[1] or "").replace('\\"', '"').replace("\\n", " ").replace("\\\\", "\\")
        message = quoted or logged[2] or ""
    message = _SECOND_TRY.sub("", _WRAPPERS.sub("", message)).strip()
    return message[:_WHY_LENGTH] + "…" if len(message) > _WHY_LENGTH else message


def _work_tree(top: Path, scanned: Boundary) -> Boundary:
    """The work tree around ``top``, else what is scanned: bases beside the scanned folder are part of the same whole."""
    for folder in (top, *top.parents):
        if (folder / ".git").exists():
            return boundary_of(folder)
    return scanned


def _reached(root: Root, boundary: Boundary) -> tuple[list[Kustomization], Refusal | None]:
    """All that ``root`` builds upon, found or not by the walk that made the plan, and what of it may not be read."""
    known = {part.folder: part for part in root.parts}
    waiting = [root.kustomization.folder]
    seen: set[str] = set()
    parts: list[Kustomization] = []
    while waiting:
        folder = waiting.pop()
        if folder in seen:
            continue
        seen.add(folder)
        if len(seen) > _FOLDERS_LOOKED_AT:
            return parts, Refusal(folder, f"it builds upon more than {_FOLDERS_LOOKED_AT:,} folders")
        if not boundary.holds(folder):
            return parts, Refusal(folder, "it leads out of the scanned folder")
        files = [file for name in FILE_NAMES if os.path.lexists(file := Path(folder, name))]
        part = known.get(folder) or (read_kustomization(files[0]) if files else None)
        if part is None:
            continue
        parts.append(part)
        waiting += part.folders
        for path in (part.file, *part.resources, *part.patches):
            if os.path.lexists(path) and (refusal := boundary.refusal(path)):
                return parts, refusal
    return parts, None
