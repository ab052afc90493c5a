"""One folder as an editor has it open, and what a scan of it would say after each key."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import LeadlineError
from leadline.model.control import BuiltControl
from leadline.model.finding import Finding, Place
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.outputs.documents.baseline import Baseline, baseline_of
from leadline.outputs.rows.place import Places
from leadline.posture.follow import Difference
from leadline.scans.options import PostureOptions
from leadline.scans.posture.file_source import ignore_files_of, target_of
from leadline.scans.posture.policies import choose_policies
from leadline.scans.posture.reading import Reading
from leadline.scans.posture.settings import read_settings, shipped_settings
from leadline.scans.posture.watch_scan import ScanPart, WatchedScan
from leadline.scans.workspace.folder import Folder
from leadline.scans.workspace.problems import Judged, Problem, problems_of
from leadline.sources.manifests.applied_texts import applied_texts, is_about_applying
from leadline.sources.manifests.deployers import not_rendered
from leadline.sources.manifests.files import FileListing, list_files
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.waivers.security_exceptions import is_security_exception

APPLIED = "applied"
"""In the place of a path: what ConfigMaps hold that another object applies."""
_NOT_TRUSTED = "the workspace is not trusted: {} may run code of it"


class Asked(Struct, frozen=True):
    """What is wanted of a folder."""

    options: PostureOptions
    is_trusted: bool = False
    """Whether charts are rendered and the user's own controls run."""
    baseline: Baseline | None = None
    """What was found before; the rest is new."""


class Workspace:
    """Not to be used from several threads at once."""

    def __init__(self, top: str, asked: Asked) -> None:
        """Reads and judges all of the folder ``top``.

        Raises: as a scan.
        """
        self.top = top
        options = asked.options
        if not asked.is_trusted and options.own_controls:
            why = _NOT_TRUSTED.format("controls of your own")
            left_out = (Unread(", ".join(options.own_controls), why, "left out"),)
            options = replace(options, own_controls=(), left_out=(*options.left_out, *left_out))
        self._options = replace(options, with_scores=False)
        self._baseline = asked.baseline
        self._seen = {one.identity for one in asked.baseline.findings} if asked.baseline else set()
        self._policies = choose_policies(self._options)
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
        self._listing = self._list()
        self.folder.take(self._listing)
        for path, state in self.folder.files.items():
            self._objects[path] = self._own(path, state.contents.resources)
        self._objects[APPLIED] = self._own(APPLIED, applied_texts(tuple(self.objects)).resources)
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
        return (*self._policies.unread, *self._policies.left_out, *self._listing.unread)

    def reads(self, file: str) -> bool:
        """Whether a scan of the folder reads the file, absolute, as a manifest."""
        path = self.folder.path_of(file)
        return path is not None and path in self.folder.files

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
        state = self.folder.files.get(path)
        if state is not None:
            state.stamp = None
        return self.refresh()

    def is_current(self, file: str) -> bool:
        """Whether what is judged of a file is what it holds now."""
        path = self.folder.path_of(file)
        state = self.folder.files.get(path) if path is not None else None
        return state is not None and (state.good is None or state.good.is_current)

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
        """Looks at the folder again: files that came, went, or are others on disk."""
        try:
            self._listing = self._list()
        except LeadlineError:
            # In the middle of a checkout nothing may be there.
            return set()
        return self._judge(self.folder.take(self._listing))

    def judged(self, file: str) -> Judged:
        """Everything to say about a file, absolute."""
        path = self.folder.path_of(file)
        state = self.folder.files.get(path) if path is not None else None
        if path is None or state is None:
            return Judged()
        good = state.good
        problems = [
            replace(one, line=good.shown_line(one.line)) if good and not good.is_current else one
            for one in self._problems(path)
        ]
        problems.sort(key=lambda one: (one.line, one.column, self.rank.get(one.controls[0], 0)))
        unread = tuple(map(self._scan.unread, (*state.unread, *self._not_judged(path))))
        return Judged(tuple(problems), unread, good is None or good.is_current)

    def _not_judged(self, path: str) -> Iterator[Unread]:
        """What of the objects of a file nothing is known about."""
        held = self._objects.get(path, {})
        yield from not_rendered(held.values())
        for id, one in held.items():
            verdict = self._scan.verdict_of(id)
            parts = [part for subject in verdict.subjects for _, part in subject.unread] if verdict else []
            place = self.places.find(one, "") if parts else None
            yield from (replace(part, line=place.line if place else 1) for part in dict.fromkeys(parts))

    def _problems(self, path: str) -> Iterator[Problem]:
        findings: list[Finding] = []
        subjects: dict[str, Resource] = {}
        homes: dict[str, Resource] = {}
        for id in self._holds.get(path, ()):
            verdict = self._scan.verdict_of(id)
            home = self._scan.get(id)
            if verdict is None or home is None:
                continue
            for finding in verdict.findings:
                if self._file_of(finding, home) != path:
                    continue
                findings.append(finding)
                homes[finding.on] = home
                for other in (finding.resource, finding.on, *finding.related):
                    if (there := self._scan.get(other)) is not None:
                        subjects[other] = there
            subjects |= {one.resource.id: one.resource for one in verdict.subjects}
        if not findings:
            return
        part = self._scan.part(tuple(findings), self._deciding | subjects, _Home(self.places, homes))
        yield from problems_of(part, path, self._is_known)

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
            self._exchange(path, state.contents.resources if state else (), removed, added)
            self.places.forget(self.top, _inside(self.top, path))
        if any(id in self._applying or id in self._objects[APPLIED] for id in removed) or any(
            map(is_about_applying, added)
        ):
            loose = [one for path, held in self._objects.items() if path != APPLIED for one in held.values()]
            self._exchange(APPLIED, applied_texts(loose).resources, removed, added)
        touched = set(paths)
        if removed or added:
            for id in removed:
                self._deciding.pop(id, None)
                self._applying.discard(id)
            self._note(added)
            difference = self._scan.change(removed, added)
            touched |= self._locate({*difference.touched, *removed, *(one.id for one in added)})
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
        if not now and path != APPLIED:
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
            verdict, home = self._scan.verdict_of(id), self._scan.get(id)
            now: tuple[str, ...] = ()
            if verdict is not None and home is not None:
                now = tuple(dict.fromkeys(self._file_of(one, home) for one in verdict.findings))
                self._said_in[id] = now
                for path in now:
                    self._holds.setdefault(path, {})[id] = None
            touched.update(before, now)
        return touched

    def _list(self) -> FileListing:
        return list_files(
            (self.top,), self._options.exclude_paths, ignore_files=ignore_files_of(self._options)
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
    return path if path == APPLIED else Path(path).relative_to(top).as_posix()
