"""One folder as an editor has it open, and what a scan of it would say after each key."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import LeadlineError
from leadline.model.control import BuiltControl
from leadline.model.finding import Finding, Place
from leadline.model.resource import Resource, joined
from leadline.model.unread import Unread
from leadline.outputs.documents.baseline import Baseline, baseline_of
from leadline.outputs.rows.place import Places
from leadline.posture.follow import Difference
from leadline.scans.options import ImageOptions, PostureOptions
from leadline.scans.posture.file_source import ignore_files_of, target_of
from leadline.scans.posture.policies import choose_policies
from leadline.scans.posture.reading import Reading
from leadline.scans.posture.settings import read_settings, shipped_settings
from leadline.scans.posture.watch_scan import ScanPart, WatchedScan
from leadline.scans.workspace.folder import Folder
from leadline.scans.workspace.last_good import moved_line
from leadline.scans.workspace.problems import Judged, Problem, problems_of
from leadline.scans.workspace.rendered import NOT_TRUSTED, Renderer, Renderings, where_edits_go
from leadline.sources.manifests.applied_texts import applied_texts, is_about_applying
from leadline.sources.manifests.deployers import not_rendered
from leadline.sources.manifests.files import (
    CHART_FILE,
    FileListing,
    ManifestFile,
    absolute,
    is_dockerfile,
    is_manifest,
    list_files,
)
from leadline.sources.manifests.ignore import ignore_rules
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.manifests.tree_stamp import Stamp, stamp_of
from leadline.sources.regular_file import read_regular
from leadline.sources.waivers.security_exceptions import is_security_exception
from leadline.sources.yaml.parser import LIMITS

APPLIED = "applied"
"""In the place of a path: what ConfigMaps hold that another object applies."""
RENDERED = "rendered"
"""Likewise: what charts and kustomizations came to."""
SETTINGS = "leadline.toml"
MOST_FINDINGS = 5_000
"""Of one file that are shown; the others are counted. No one reads them in an editor, and a key must not wait for them."""
_NO_FILES = (APPLIED, RENDERED)


class Asked(Struct, frozen=True):
    """What is wanted of a folder."""

    options: PostureOptions
    alone: str = ""
    """The one file that is read, by controls that look at no other object; empty for the whole folder."""
    is_trusted: bool = False
    """Whether charts are rendered and the user's own controls run."""
    baseline: Baseline | None = None
    """What was found before; the rest is new."""
    images: ImageOptions | None = None
    """How images are looked at when their user asks for it; ``None`` without a vulnerability database."""


def first_look(top: str, asked: Asked, texts: Mapping[str, str]) -> dict[str, Judged]:
    """What can be said of ``texts``, by file, while the rest of the folder is not read yet: by controls that look at
    nothing else, of manifests that are in no chart.

    Raises: as a scan.
    """
    found: dict[str, Judged] = {}
    rules = ignore_rules([*ignore_files_of(asked.options)(top), *asked.options.exclude_paths])
    for file, text in texts.items():
        path = Folder(top).path_of(file)
        name = Path(file).name
        is_read = is_manifest(name) or is_dockerfile(name)
        if path is None or not is_read or rules.ignores(_inside(top, path), is_folder=False):
            continue
        if any((above / CHART_FILE).exists() for above in Path(file).parents if str(above).startswith(top)):
            continue
        space = Workspace(top, replace(asked, alone=file))
        space.show(file, text)
        found[file] = space.judged(file)
    return found


class Workspace:
    """Not to be used from several threads at once."""

    def __init__(self, top: str, asked: Asked) -> None:
        """Reads and judges all of the folder ``top``.

        Raises: as a scan.
        """
        self.top = top
        self._alone = asked.alone
        options = asked.options
        if not asked.is_trusted and options.own_controls:
            why = NOT_TRUSTED.format("controls of your own")
            left_out = (Unread(", ".join(options.own_controls), why, "left out"),)
            options = replace(options, own_controls=(), left_out=(*options.left_out, *left_out))
        self._options = replace(options, with_scores=False)
        self._baseline = asked.baseline
        self.images = asked.images
        self._seen = {one.identity for one in asked.baseline.findings} if asked.baseline else set()
        self._policies = choose_policies(self._options)
        if asked.alone:
            alone = tuple(one for one in self._policies.controls if not one.reads)
            self._policies = replace(self._policies, controls=alone)
        known = shipped_settings(self._policies.known)
        self.settings = read_settings(options.settings_file, known) if options.settings_file else known
        self.controls: Mapping[str, BuiltControl] = {one.id: one for one in self._policies.controls}
        self.rank = {one.id: number for number, one in enumerate(self._policies.controls)}
        self.folder = Folder(top)
        self.places = FilePlaces(texts=self.folder.texts)
        self._objects: dict[str, dict[str, Resource]] = {}
        """By path, then by id."""
        self._path_of: dict[str, str] = {}
        self._holds: dict[str, dict[str, None]] = {}
        """By path: the objects that something is to be said about there."""
        self._said_in: dict[str, tuple[str, ...]] = {}
        self._deciding: dict[str, Resource] = {}
        """What decides on waivers of other objects."""
        self._applying: set[str] = set()
        self._renderer = Renderer(top, self._options, is_trusted=asked.is_trusted)
        self._stamps: Stamp = {}
        self._shown_where: dict[str, list[Problem]] = {}
        """By chart or kustomization: its problems where edits go, until something about them changes."""
        self._listing, self._renderings = self._look()[:2]
        self.folder.take(self._listing, self._stamps)
        for path, state in self.folder.files.items():
            self._objects[path] = self._own(path, state.contents.resources)
        self._objects[APPLIED] = self._own(APPLIED, applied_texts(tuple(self.objects)).resources)
        self._objects[RENDERED] = self._own(RENDERED, self._renderings.resources)
        self._note(self.objects)
        reading = Reading(target_of((top,), top), tuple(self.objects), self.places)
        self._scan = WatchedScan(self._options, self._policies, self.settings, reading, self.folder.texts)
        self._locate(self._path_of)

    @property
    def objects(self) -> Iterator[Resource]:
        """In the order of reading."""
        return (one for held in self._objects.values() for one in held.values())

    def get(self, id: str) -> Resource | None:
        return self._scan.get(id)

    def message(self, text: str) -> str:
        """A sentence without secrets."""
        return self._scan.message(text)

    def notes(self) -> tuple[Unread, ...]:
        """What of the folder was not read or was left out, and belongs to no file that is read."""
        return (
            *self._policies.unread,
            *self._policies.left_out,
            *self._listing.unread,
            *self._renderings.unread,
        )

    def is_set_by(self, file: str) -> bool:
        """Whether a file, absolute, says how the folder is judged, so that a change of it asks for another workspace."""
        options = self._options
        named = (options.settings_file, *options.waivers, *options.framework_files, *options.own_controls)
        return Path(file).name == SETTINGS or file in map(absolute, filter(None, named))

    def close(self) -> None:
        """Ends the programs that render and that evaluate the user's own rules."""
        self._renderer.close()
        for close in self._policies.closers:
            close()

    def reads(self, file: str) -> bool:
        """Whether a scan of the folder reads the file, absolute, as a manifest."""
        path = self.folder.path_of(file)
        return path is not None and path in self.folder.files

    def objects_of(self, file: str) -> tuple[Resource, ...]:
        """Those that are written in a file, absolute."""
        path = self.folder.path_of(file)
        return tuple(self._objects.get(path, {}).values()) if path is not None else ()

    def show(self, file: str, text: str) -> set[str]:
        """Takes the text of an editor; the files about which something else may be to be said now."""
        path = self.folder.path_of(file)
        if path is None:
            return set()
        self.folder.open[path] = text.encode("utf-8", "surrogatepass")
        if path not in self.folder.files:
            return set()
        self.folder.show(path)
        return self._judge([path]) | {file}

    def hide(self, file: str) -> set[str]:
        """The editor closed the file: what is on disk counts again."""
        path = self.folder.path_of(file)
        if path is None or self.folder.open.pop(path, None) is None:
            return set()
        if path in self.folder.files and self.folder.read_again(path):
            return self._judge([path])
        return self.refresh()

    def is_current(self, file: str) -> bool:
        """Whether what is judged of a file is what it holds now. Of charts that is what is on disk."""
        path = self.folder.path_of(file)
        if path is None:
            return False
        state = self.folder.files.get(path)
        if state is None:
            return path not in self.folder.open or self.folder.open[path] == _on_disk(path)
        return state.good is None or state.good.is_current

    def places_of(self, file: str) -> Places:
        """What finds places in what a file holds, or renders to."""
        is_loose = self.reads(file) or self._renderings.places is None
        return self.places if is_loose else self._renderings.places or self.places

    def text(self, file: str) -> str | None:
        """What an editor shows of a file; ``None`` for one that is not open."""
        path = self.folder.path_of(file)
        content = self.folder.open.get(path) if path is not None else None
        try:
            return None if content is None else content.decode()
        except UnicodeDecodeError:
            return None

    def tried(self, file: str, text: str) -> Difference | None:
        """What would become of the findings if the file held ``text``; ``None`` where that cannot be read."""
        path = self.folder.path_of(file)
        if path is None or path not in self.folder.files:
            return None
        new = self.folder.tried(path, text.encode())
        if new.unread:
            return None
        old = self._objects.get(path, {})
        now = {one.id: one for one in new.resources}
        if now.keys() != old.keys():
            return None
        removed = [id for id, one in old.items() if now[id] != one]
        before = [old[id] for id in removed]
        difference = self._scan.change(removed, [now[id] for id in removed])
        self._scan.change(removed, before)
        return difference

    def refresh(self) -> set[str]:
        """Looks at the folder again: files that came, went, or are others on disk, and what they render to."""
        try:
            self._listing, renderings, is_new = self._look()
        except LeadlineError:
            # In the middle of a checkout nothing may be there.
            return set()
        changed = self.folder.take(self._listing, self._stamps)
        if is_new:
            self._renderings = renderings
            self._shown_where.clear()
            changed.add(RENDERED)
        touched = self._judge(changed).difference(_NO_FILES)
        return touched | {path for path in self.folder.open if path not in self.folder.files}

    def judged(self, file: str) -> Judged:
        """Everything to say about a file, absolute."""
        path = self.folder.path_of(file)
        if path is None:
            return Judged()
        state = self.folder.files.get(path)
        unread = [*self._renderings.unread_of(path)]
        more = 0
        if state is None:
            problems = self._rendered_problems(path)
            is_current = self.is_current(file)
        else:
            good = state.good
            is_current = good is None or good.is_current
            rows = self._rows(path)
            more = max(0, len(rows) - MOST_FINDINGS)
            problems = [
                replace(one, line=good.shown_line(one.line)) if good and not good.is_current else one
                for one in self._problems_of(rows[:MOST_FINDINGS], self.places)
            ]
            unread += (*state.unread, *self._not_judged(path))
        problems.sort(key=lambda one: (one.line, one.column, self.rank.get(one.controls[0], 0)))
        return Judged(tuple(problems), tuple(map(self._scan.unread, unread)), is_current, more)

    def _rendered_problems(self, path: str) -> list[Problem]:
        """What charts and kustomizations have to say in one of their files, at its line now."""
        found: list[Problem] = []
        for name, ids in self._renderings_about(path).items():
            if name not in self._shown_where:
                self._shown_where[name] = list(self._located(ids))
            found += (one for one in self._shown_where[name] if one.file == path)
        shown = self.folder.open.get(path)
        return (
            found
            if shown is None or not found
            else [replace(one, line=moved_line(one.line, _on_disk(path), shown)) for one in found]
        )

    def _renderings_about(self, path: str) -> dict[str, list[str]]:
        """The objects of each chart or kustomization that the file has a part in."""
        by_name: dict[str, list[str]] = {}
        about: set[str] = set()
        for id, one in self._objects.get(RENDERED, {}).items():
            name = one.origin.rendered_from
            by_name.setdefault(name, []).append(id)
            if one.origin.file == path or path.startswith(f"{joined(self.top, name)}/") or name in ("", "."):
                about.add(name)
        return {name: by_name[name] for name in about}

    def _located(self, ids: Iterable[str]) -> Iterator[Problem]:
        places = self._renderings.places or self.places
        rows = [(finding, home) for id in ids for finding, home in self._findings_of(id)]
        for one in self._problems_of(rows, places):
            yield where_edits_go(one, self._scan.get, places, self.rank)

    def _not_judged(self, path: str) -> Iterator[Unread]:
        """What of the objects of a file nothing is known about."""
        held = self._objects.get(path, {})
        yield from not_rendered(held.values())
        for id, one in held.items():
            verdict = self._scan.verdict_of(id)
            parts = [part for subject in verdict.subjects for _, part in subject.unread] if verdict else []
            place = self.places.find(one, "") if parts else None
            yield from (replace(part, line=place.line if place else 1) for part in dict.fromkeys(parts))

    def _rows(self, path: str) -> list[tuple[Finding, Resource]]:
        return [
            (finding, home)
            for id in self._holds.get(path, ())
            for finding, home in self._findings_of(id)
            if self._file_of(finding, home) == path
        ]

    def _findings_of(self, id: str) -> Iterator[tuple[Finding, Resource]]:
        verdict, home = self._scan.verdict_of(id), self._scan.get(id)
        if verdict is not None and home is not None:
            yield from ((finding, home) for finding in verdict.findings)

    def _problems_of(self, rows: Sequence[tuple[Finding, Resource]], places: Places) -> Iterator[Problem]:
        if not rows:
            return
        subjects: dict[str, Resource] = {}
        homes = {finding.on: home for finding, home in rows}
        for finding, home in rows:
            for other in (finding.resource, finding.on, *finding.related):
                if (there := self._scan.get(other)) is not None:
                    subjects[other] = there
            if (verdict := self._scan.verdict_of(home.id)) is not None:
                subjects |= {one.resource.id: one.resource for one in verdict.subjects}
        findings = tuple(finding for finding, _ in rows)
        part = self._scan.part(findings, self._deciding | subjects, _Home(places, homes))
        yield from problems_of(part, homes, self._is_known)

    def _is_known(self, part: ScanPart) -> list[bool]:
        if self._baseline is None:
            return [False] * len(part.report.findings)
        now = baseline_of(part.report, part.places, "", "")
        return [one.identity in self._seen for one in now.findings]

    def _file_of(self, finding: Finding, home: Resource) -> str:
        holder = self._scan.get(finding.on)
        return (holder or home).origin.file

    def _judge(self, paths: Iterable[str]) -> set[str]:
        """Judges what changed in the files of ``paths``."""
        removed: list[str] = []
        added: list[Resource] = []
        for path in paths:
            state = self.folder.files.get(path)
            resources = state.contents.resources if state else ()
            self._exchange(
                path, self._renderings.resources if path == RENDERED else resources, removed, added
            )
            self.places.forget(self.top, _inside(self.top, path))
        if any(id in self._applying or id in self._objects[APPLIED] for id in removed) or any(
            map(is_about_applying, added)
        ):
            loose = [
                one for path, held in self._objects.items() if path not in _NO_FILES for one in held.values()
            ]
            self._exchange(APPLIED, applied_texts(loose).resources, removed, added)
        touched = set(paths)
        if removed or added:
            for id in removed:
                self._deciding.pop(id, None)
                self._applying.discard(id)
            self._note(added)
            difference = self._scan.change(removed, added)
            ids = {*difference.touched, *removed, *(one.id for one in added)}
            if not self._objects[RENDERED].keys().isdisjoint(ids):
                self._shown_where.clear()
            touched |= self._locate(ids)
        return touched

    def _exchange(
        self, path: str, new: Iterable[Resource], removed: list[str], added: list[Resource]
    ) -> None:
        old = self._objects.get(path, {})
        for id in old:
            self._path_of.pop(id, None)
        now = self._own(path, new)
        removed += (id for id, one in old.items() if now.get(id) != one)
        added += (one for id, one in now.items() if old.get(id) != one)
        # Where the body is the same the object is kept: verdicts rest on it.
        self._objects[path] = {id: old[id] if old.get(id) == one else one for id, one in now.items()}
        if not now and path not in _NO_FILES:
            del self._objects[path]

    def _own(self, path: str, resources: Iterable[Resource]) -> dict[str, Resource]:
        """By ids of their own: those of two files may be one number."""
        held: dict[str, Resource] = {}
        for one in resources:
            id, number = one.id, 1
            while id in held or self._path_of.get(id, path) != path:
                number += 1
                id = f"{one.id}#{number}"
            held[id] = one if id == one.id else replace(one, id=id)
            self._path_of[id] = path
        return held

    def _note(self, resources: Iterable[Resource]) -> None:
        for one in resources:
            if is_security_exception(one.body) or (one.kind == "Namespace" and one.api_version == "v1"):
                self._deciding[one.id] = one
            if is_about_applying(one):
                self._applying.add(one.id)

    def _locate(self, ids: Iterable[str]) -> set[str]:
        """Notes in which files something is to be said about these objects; the files of before and of now."""
        touched: set[str] = set()
        for id in ids:
            before = self._said_in.pop(id, ())
            for path in before:
                self._holds[path].pop(id, None)
                if not self._holds[path]:
                    del self._holds[path]
            verdict, home = self._scan.verdict_of(id), self._scan.get(id)
            now: tuple[str, ...] = ()
            if verdict is not None and home is not None:
                now = tuple(dict.fromkeys(self._file_of(one, home) for one in verdict.findings))
                self._said_in[id] = now
                for path in now:
                    self._holds.setdefault(path, {})[id] = None
            touched.update(before, now)
        return touched

    def _look(self) -> tuple[FileListing, Renderings, bool]:
        """What is on disk now; whether what is rendered may be another.

        Raises: as a scan.
        """
        before, self._stamps = self._stamps, stamp_of((self._alone or self.top,))
        changed = [
            file for file in before.keys() | self._stamps if before.get(file) != self._stamps.get(file)
        ]
        listing = self._list(())
        if before and all(file in self.folder.files for file in changed) and self._renderings.is_empty:
            return listing, self._renderings, False
        renderings = self._renderer.rendered(listing, changed)
        return (self._list(renderings.claimed) if renderings.claimed else listing), renderings, True

    def _list(self, claimed: Collection[str]) -> FileListing:
        if self._alone:
            path = _inside(self.top, self._alone)
            return FileListing(self.top, (ManifestFile(self._alone, path),))
        return list_files(
            (self.top,), self._options.exclude_paths, claimed, ignore_files=ignore_files_of(self._options)
        )


class _Home:
    """Places, where what has none of its own is at the object that it follows from: a subject at its binding."""

    def __init__(self, places: Places, homes: Mapping[str, Resource]) -> None:
        self._places = places
        self._homes = homes

    def find(self, resource: Resource, path: str) -> Place | None:
        if resource.origin.kind == "derived" and resource.id in self._homes:
            found = self._places.find(self._homes[resource.id], "")
            return found and replace(found, exact=False)
        return self._places.find(resource, path)

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        return self._places.lines(self._homes.get(resource.id, resource), first, last)


def _inside(top: str, path: str) -> str:
    return path if path in _NO_FILES else Path(path).relative_to(top).as_posix()


def _on_disk(path: str) -> bytes:
    try:
        return read_regular(path, LIMITS.size_bytes)
    except OSError:
        return b""
