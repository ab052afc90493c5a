"""What is suggested, as a diff of what a chart or a kustomization is rendered from: values first, then templates, bases and patches.

Each edit is made in a copy and rendered again: it is shown where the object then has what was wanted, and nothing else is different.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import LeadlineError, ManifestError
from leadline.kube.field_path import format_path, parse_path, put, value_at
from leadline.model.control import Set
from leadline.model.resource import Resource
from leadline.outputs.redaction.lines import LineHider
from leadline.outputs.redaction.report import Redaction
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.text.patch import applicable_lines
from leadline.scans.fixing.spots import Given, NoSpotError, Spot, changed_text, changes_of, spots_of
from leadline.scans.fixing.working_copy import WorkingCopy
from leadline.scans.options import PostureOptions
from leadline.scans.posture.read_targets import read
from leadline.scans.posture.reading import Reading
from leadline.sources.temporary_folder import temporary_folder

_MOST_LOOKS = 40
"""Renderings that are tried."""


class FieldEdit(Struct, frozen=True):
    path: str
    change: Set


class SourcePatch(Struct, frozen=True):
    lines: tuple[str, ...]
    """Of a diff."""
    left: tuple[str, ...]
    """Paths of the object that no value, template, base or patch was found for."""


def source_patch(
    resource: Resource, edits: Iterable[tuple[str, Any]], targets: Sequence[str], options: PostureOptions
) -> SourcePatch:
    """``edits``: paths from the root of ``resource``, which is rendered from ``targets``, and what is wanted there.

    Raises: ``LeadlineError`` where the targets cannot be copied or read again.
    """
    wanted = tuple(FieldEdit(path, Set(path, value)) for path, value in _whole_lists(resource, edits))
    with temporary_folder() as place:
        asked = (file for one in options.charts.renderings for file in one.values)
        copy = WorkingCopy(targets, place, (*options.charts.values, *asked))
        options = replace(options, charts=copy.charts(options.charts), kept_renders=copy.kept)
        try:
            return _Trying(copy, options, resource, wanted).made()
        finally:
            copy.kept.close()


def _whole_lists(resource: Resource, edits: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Items of a list that the object lacks are one list."""
    lists: dict[str, list[Any]] = {}
    for path, value in edits:
        *parents, last = parse_path(path)
        parent = format_path(tuple(parents))
        if isinstance(last, int) and not value_at(resource.body, tuple(parents)):
            lists.setdefault(parent, []).append(value)
        else:
            yield path, value
    yield from lists.items()


class _Trying:
    def __init__(
        self, copy: WorkingCopy, options: PostureOptions, resource: Resource, wanted: Sequence[FieldEdit]
    ) -> None:
        charts = options.charts
        self._copy = copy
        self._options = options
        self._resource = resource
        self._wanted = wanted
        self._given = Given(charts.values, (*charts.set, *charts.set_string))
        self._made: dict[str, list[Spot]] = {}
        """By file."""
        self._looks = 0

    def made(self) -> SourcePatch:
        with self._look() as first:
            before = {one.id: one.body for one in first.resources if one.origin.kind != "derived"}
            own = next(one for one in first.resources if one.id == self._resource.id)
            ways = [self._ways(edit, own, first) for edit in self._wanted]
            secrets = SecretValues()
            Redaction(secrets).learn_from(first.resources)
        body, left = own.body, []
        # Mostly all first ways are right together.
        every = [spots[0] for spots in ways if spots]
        whole = _with(body, [edit for edit, spots in zip(self._wanted, ways, strict=True) if spots])
        if self._works(every, before, whole):
            left = [edit.path for edit, spots in zip(self._wanted, ways, strict=True) if not spots]
        else:
            for edit, spots in zip(self._wanted, ways, strict=True):
                after = _with(body, [edit])
                if any(self._works([spot], before, after) for spot in spots):
                    body = after
                else:
                    left.append(edit.path)
        hide = {0: LineHider({}, secrets).hide}
        files = [self._copy.fixed(file, hide) for file in sorted(self._made)]
        return SourcePatch(tuple(shown for file in files for shown in applicable_lines(file)), tuple(left))

    def _ways(self, edit: FieldEdit, own: Resource, seen: Reading) -> list[Spot]:
        try:
            found = list(spots_of(edit, own, seen.places, self._given))
        except NoSpotError:
            return []
        return [spot for spot in found if self._copy.text(spot.file) is not None]

    def _works(self, spots: Sequence[Spot], before: Mapping[str, Any], after: dict[str, Any]) -> bool:
        """Whether with ``spots`` too the object is ``after``, and all others as they were; these are then kept."""
        made = {file: list(its) for file, its in self._made.items()}
        for spot in spots:
            made.setdefault(spot.file, []).append(spot)
        if not spots or self._looks >= _MOST_LOOKS:
            return False
        try:
            self._write(made)
            with self._look() as seen:
                bodies = {one.id: one.body for one in seen.resources if one.origin.kind != "derived"}
            if bodies == {**before, self._resource.id: after}:
                self._made = made
                return True
        except LeadlineError:
            pass  # it does not fit in, or does not render any more
        self._copy.restore()
        self._write(self._made)
        return False

    def _write(self, made: Mapping[str, Sequence[Spot]]) -> None:
        """Raises: ``ManifestError`` where an edit does not fit in."""
        for file, spots in made.items():
            text = self._copy.text(file)
            if text is None:
                raise ManifestError(f"{file} cannot be edited")
            self._copy.write(file, changed_text(text, changes_of(spots)))

    @contextmanager
    def _look(self) -> Iterator[Reading]:
        self._looks += 1
        with read(self._copy.targets, self._options, ()) as reading:
            yield reading


def _with(body: dict[str, Any], edits: Iterable[FieldEdit]) -> dict[str, Any]:
    body = deepcopy(body)
    for edit in edits:
        put(body, parse_path(edit.path), deepcopy(edit.change.value))
    return body
