"""Lines and columns for rendered objects: in the template, or in the base or patch of a kustomization.

``RenderedPlaces`` serves the outputs' questions for places, and passes on plain files to ``FilePlaces``.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from leadline.kube.field_path import Steps, format_path, parse_path, value_at
from leadline.model.finding import Place
from leadline.model.resource import Origin, Resource
from leadline.sources.manifests.positions import FilePlaces
from leadline.sources.rendering.helm.files import (
    dependencies,
    is_archive_of,
    partials_beside,
    read_template,
)
from leadline.sources.rendering.helm.template_trace import TemplateSearch
from leadline.sources.rendering.helm.values_candidates import candidate_keys
from leadline.sources.rendering.kustomize.patch_rows import (
    PatchRow,
    RowSpot,
    patch_row_places,
    patch_rows_of,
    row_spots,
)
from leadline.sources.rendering.kustomize.patches import (
    Patch,
    is_patch_of,
    patch_places,
    patches_of,
    same_field,
)
from leadline.sources.yaml.parser import parse_documents

_TEMPLATES_KEPT = 32


class RenderedPlaces:
    """Places of what was rendered. ``texts`` is that of ``Rendered``."""

    def __init__(self, texts: Mapping[tuple[str, str], str], files: FilePlaces) -> None:
        self._texts = texts
        self._files = files
        self._sources: OrderedDict[tuple[str, str], dict[int, dict[str, Any]]] = OrderedDict()
        self._searches: OrderedDict[tuple[str, str], TemplateSearch] = OrderedDict()
        self._templates: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._patches: OrderedDict[tuple[str, str], tuple[Patch, ...]] = OrderedDict()
        self._rows: OrderedDict[tuple[str, str], tuple[PatchRow, ...]] = OrderedDict()

    def find(self, resource: Resource, path: str) -> Place | None:
        """The place of ``path`` or of its nearest parent that is known; ``None`` where none can."""
        origin = resource.origin
        if origin.kind == "kustomize":
            return self._find_in_source(resource, path)
        if origin.kind != "helm":
            return self._files.find(resource, path)
        template = self._template(resource)
        if "{{" not in template and template:
            return self._files.find(_as_file(resource), path)
        text = self._texts.get((origin.rendering, origin.path))
        if text is None or not template:
            return None
        try:
            spot = self._search(resource, template, text).find(origin.inside + path, origin.document)
        except ValueError:
            return None
        if spot is None:
            return None
        by = _qualified(spot.values_key, origin)
        return Place(origin.path, spot.line, spot.column, spot.exact, by)

    def values_keys(self, resource: Resource, path: str) -> tuple[str, ...]:
        """Keys of the chart's values that may write the field, as its ``values.yaml`` names them: guesses, likeliest first."""
        template = self._template(resource)
        if resource.origin.kind != "helm" or "{{" not in template:
            return ()
        origin = resource.origin
        place = self.find(resource, path)
        partials = [read_template(origin.root, one) for one in partials_beside(origin.root, [origin.path])]
        keys = candidate_keys((template, *partials), parse_path(path), place.line if place else 1)
        return tuple(filter(None, (_qualified(key, origin) for key in keys)))

    def _find_in_source(self, resource: Resource, path: str) -> Place | None:
        """In the base that holds the object, with the patch that holds the field."""
        origin = resource.origin
        try:
            steps = parse_path(path)
        except ValueError:
            steps = ()
        body = self._source_body(resource)
        if body.get("kind") != resource.kind:
            return Place(origin.path, 1, 1, False)
        inside = same_field(body, resource.body, steps)
        place = self._files.find(_as_file(resource), format_path(inside))
        by = next(patch_places(resource, path, self._files, self._patches_of(origin)), "") or next(
            patch_row_places(resource, path, self._files, self._rows_of(origin)), ""
        )
        return place and structs.replace(
            place, exact=place.exact and len(inside) == len(steps), steered_by=by
        )

    def _patches_of(self, origin: Origin) -> tuple[Patch, ...]:
        key = (origin.root, origin.rendered_from)
        if key not in self._patches:
            self._patches[key] = patches_of(origin)
            if len(self._patches) > _TEMPLATES_KEPT:
                self._patches.popitem(last=False)
        return self._patches[key]

    def _rows_of(self, origin: Origin) -> tuple[PatchRow, ...]:
        key = (origin.root, origin.rendered_from)
        if key not in self._rows:
            self._rows[key] = patch_rows_of(origin)
            if len(self._rows) > _TEMPLATES_KEPT:
                self._rows.popitem(last=False)
        return self._rows[key]

    def _source_body(self, resource: Resource) -> dict[str, Any]:
        origin = resource.origin
        key = (origin.root, origin.path)
        if key not in self._sources:
            self._sources[key] = _bodies_in(*key)
            if len(self._sources) > _TEMPLATES_KEPT:
                self._sources.popitem(last=False)
        return self._sources[key].get(origin.document, {})

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        """Lines ``first`` to ``last`` of the template or file of ``resource``, counted from 1."""
        if resource.origin.kind == "helm":
            return self._template(resource).split("\n")[max(first, 1) - 1 : max(last, 0)]
        return self._files.lines(_as_file(resource), first, last)

    def _search(self, resource: Resource, template: str, text: str) -> TemplateSearch:
        key = (template, text)
        if key not in self._searches:
            self._searches[key] = TemplateSearch(template, text)
            if len(self._searches) > _TEMPLATES_KEPT:
                self._searches.popitem(last=False)
        return self._searches[key]

    def _template(self, resource: Resource) -> str:
        key = (resource.origin.root, resource.origin.path)
        if key not in self._templates:
            self._templates[key] = read_template(*key)
            if len(self._templates) > _TEMPLATES_KEPT:
                self._templates.popitem(last=False)
        return self._templates[key]


def source_spots(resource: Resource, path: str, *, may_add: bool) -> Iterator[RowSpot]:
    """Where the field of a built object can be written: the patch that sets it, the last first; then its base.

    ``may_add``: whether the source may lack the field, so that only the last of its parents need be there.
    """
    origin = resource.origin
    try:
        steps = parse_path(path)
    except ValueError:
        return
    for patch, index, body in patches_of(origin):
        inside = same_field(body, resource.body, steps)
        is_held = len(inside) == len(steps) and value_at(body, inside) == value_at(resource.body, steps)
        if is_held and is_patch_of(body, resource):
            yield RowSpot(patch, "", index, format_path(inside))
    yield from row_spots(resource, path, patch_rows_of(origin), may_add=may_add)
    body = _bodies_in(origin.root, origin.path).get(origin.document, {})
    inside = same_field(body, resource.body, steps)
    rest = steps[len(inside) :]
    if body.get("kind") != resource.kind or (rest and not may_add):
        return
    there = value_at(resource.body, steps)
    if rest and (there is not None or _has_list(resource.body, steps, len(inside))):
        return  # something that is not a patch has written what stands there
    yield RowSpot(str(Path(origin.root, origin.path)), "", origin.document, format_path((*inside, *rest)))


def _has_list(built: dict[str, Any], steps: Steps, depth: int) -> bool:
    """Whether ``built`` has a list where the base, which holds ``depth`` of ``steps``, has nothing."""
    return any(isinstance(value_at(built, steps[:end]), list) for end in range(depth + 1, len(steps)))


def _bodies_in(root: str, path: str) -> dict[int, dict[str, Any]]:
    """The mappings in a file, by the number of their document."""
    content = read_template(root, path).encode("utf-8", "surrogatepass")
    return {d.index: d.body for d in parse_documents(content) if isinstance(d.body, dict)}


def _as_file(resource: Resource) -> Resource:
    if resource.origin.kind == "file":
        return resource
    return structs.replace(resource, origin=structs.replace(resource.origin, kind="file"))


def _is_chart_of(name: str, entry: str) -> bool:
    """Whether a folder or an archive in ``charts`` is the dependency ``name``: ``redis``, ``redis-17.0.0.tgz``."""
    return entry == name or is_archive_of(name, entry)


def _qualified(key: str, origin: Origin) -> str:
    """The key as the outermost chart's values name it: that of a subchart is below its name or alias.

    Empty where that is not known.
    """
    chart = f"{origin.rendered_from}/" if origin.rendered_from else ""
    if not key or not origin.path.startswith(chart):
        return ""
    if key == "global" or key.startswith("global."):
        return key
    folder = Path(origin.root, origin.rendered_from)
    steps = origin.path.removeprefix(chart).split("/")
    names: list[str] = []
    while len(steps) > 2 and steps[0] == "charts":
        is_packed = steps[1].endswith(".tgz")
        rows = [row for row in dependencies(folder) if _is_chart_of(row["name"], steps[1])]
        labels = {row.get("alias", row["name"]) for row in rows}
        if not labels and not is_packed:
            labels = {steps[1]}
        if len(labels) != 1 or (is_packed and steps[2] == "charts"):
            return ""
        names += labels
        folder = folder / "charts" / steps[1]
        steps = steps[2:]
    return ".".join([*names, key])
