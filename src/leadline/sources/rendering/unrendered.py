"""Objects in files that a chart or a kustomization took in, and that nothing was rendered from.

Applied by itself such a file makes the object; so each is named. What is a part of something that was
rendered, a patch that fits an object or a template that its values turn off, is reported apart.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from leadline.model.unread import Unread
from leadline.sources.manifests.files import is_manifest
from leadline.sources.manifests.reader import documents_of, is_object_like
from leadline.sources.regular_file import read_regular
from leadline.sources.rendering.kustomize.patches import is_patch_of
from leadline.sources.rendering.plan.file_owner import Owner, Ownership, relative_path
from leadline.sources.rendering.plan.kept import KeptRenders
from leadline.sources.rendering.plan.kustomization import FILE_NAMES
from leadline.sources.rendering.plan.result import Rendered
from leadline.sources.yaml.parser import LIMITS, Memory, parse_documents
from leadline.untyped import MALFORMED

_FILE_BYTES = 4 << 20
_KNOWN = 500
_KNOWN_BYTES = 64 << 10
"""Files of which is known what they hold, and the largest of them."""
_NAMED = 1_000
_OWN_GROUPS = ("kustomize.config.k8s.io/", "builtin")
_OF_A_DELETION = frozenset({"apiVersion", "kind", "metadata", "$patch"})
"""All that a patch needs that takes an object away; with a spec it could be applied by itself."""
_HAS_KIND = re.compile(rb"^[ \t]*['\"]?kind['\"]?[ \t]*:", re.MULTILINE)
_HINT = "scan it by its own path, or take it out of what holds it"


def unrendered(
    plan: Ownership, rendered: Rendered, kept: KeptRenders | None = None
) -> tuple[list[Unread], list[Unread]]:
    """Files with objects that nothing rendered, and templates that values turn off."""
    search = _Search(plan, rendered, kept)
    named: list[Unread] = []
    turned_off: list[Unread] = []
    for path, owner in sorted(rendered.owners.items()):
        if owner.of in rendered.failed or not (is_manifest(path) or path.rpartition("/")[2] in FILE_NAMES):
            continue
        found = search.of_chart(path) if owner.kind == "helm" else search.of_kustomization(path)
        if found is not None:
            (turned_off if found.reason == "left out" else named).append(found)
    return _at_most(named), _at_most(turned_off)


class _Search:
    def __init__(self, plan: Ownership, rendered: Rendered, kept: KeptRenders | None) -> None:
        self._plan = plan
        self._known: dict[tuple[bytes, bool], list[dict[str, Any]]] = (
            kept.once("objects", dict) if kept else {}
        )
        """What files hold, by their content: a chart may be there once for each environment."""
        self._owners: Mapping[str, Owner] = rendered.owners
        self._charts = rendered.rendered_charts
        self._test_files = rendered.test_files
        self._by_path: dict[str, Counter[str]] = {}
        for resource in rendered.resources:
            origin = resource.origin
            self._by_path.setdefault(origin.path, Counter())[origin.rendered_from] += 1
        self._built = [resource for resource in rendered.resources if resource.origin.kind == "kustomize"]
        top = Path(plan.root)
        parts = [part for root in plan.roots for part in root.parts]
        self._targets = {relative_path(path, top): target for part in parts for path, target in part.targets}
        self._patches = {relative_path(path, top) for part in parts for path in part.patches}
        self._memory = Memory()

    def of_chart(self, path: str) -> Unread | None:
        if path in self._by_path or path in self._test_files:
            return None
        content = self._content(path)
        objects = self._objects(path, content)
        owner = self._owners[path].of
        if objects and not self._is_of_silent_subchart(path, owner):
            why = f"it holds {objects[0].get('kind')}, which the chart {owner or 'around it'} does not render"
            return Unread(path, why, "not rendered", hint=_HINT)
        if not objects and (b"{{" not in content or not _HAS_KIND.search(content)):
            return None
        if owner not in self._charts:
            why = "a template of a chart that renders nothing by itself"
            return Unread(path, why, "not rendered", hint=_HINT)
        return Unread(path, "a template that renders to nothing with these values", "left out")

    def _is_of_silent_subchart(self, path: str, owner: str) -> bool:
        """Whether the file lies in a chart within a rendered one that nothing was rendered of: its values turn it off."""
        inside = path.removeprefix(f"{owner}/") if owner else path
        steps = inside.split("/")
        if owner not in self._charts or steps[0] != "charts" or len(steps) < 3:
            return False
        folder = f"{owner}/charts/{steps[1]}/" if owner else f"charts/{steps[1]}/"
        return not any(rendered.startswith(folder) for rendered in self._by_path)

    def of_kustomization(self, path: str) -> Unread | None:
        objects = [body for body in self._objects(path, self._content(path)) if not _takes_away(body)]
        if path in self._patches:
            objects = [body for body in objects if not self._is_used(path, body)]
        built = max(self._by_path.get(path, Counter()).values(), default=0)
        if len(objects) <= built:
            return None
        what = (
            f"{len(objects) - built} of its objects" if built else f"it holds {objects[0].get('kind')}, which"
        )
        why = f"{what} {'are' if built else 'is'} not in what its kustomization builds"
        return Unread(path, why, "not rendered", hint=_HINT)

    def _is_used(self, path: str, patch: dict[str, Any]) -> bool:
        """Whether the patch may have gone into an object that was built."""
        target = self._targets.get(path)
        if target is None:
            return any(is_patch_of(patch, resource) for resource in self._built)
        kind, name = target.get("kind"), target.get("name")
        return any(
            _matches(kind, resource.kind) and _matches(name, resource.name) for resource in self._built
        )

    def _content(self, path: str) -> bytes:
        try:
            return read_regular(self._plan.absolute(path), _FILE_BYTES)
        except OSError:
            return b""

    def _objects(self, path: str, content: bytes) -> list[dict[str, Any]]:
        """The objects that a text writes down, those of lists one by one."""
        if b"kind" not in content and b"\\" not in content:
            return []
        question = content, path.endswith(".json")
        found = self._known.get(question)
        if found is None:
            found = self._read(*question)
            if len(content) <= _KNOWN_BYTES:
                if len(self._known) >= _KNOWN:
                    self._known.clear()
                self._known[question] = found
        return found

    def _read(self, content: bytes, is_json: bool) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if is_json and _is_other_json(content):
            return found
        # A template may begin with a brace as JSON does, and is read in one way.
        documents = (
            documents_of(content, ".json", LIMITS, self._memory)
            if is_json
            else parse_documents(content, LIMITS, self._memory)
        )
        for document in documents:
            body = document.body
            if isinstance(body, dict) and is_object_like(body):
                items = body.get("items")
                found += (
                    [item for item in items if isinstance(item, dict)]
                    if isinstance(items, list) and items
                    else [body]
                )
        return [body for body in found if not str(body.get("apiVersion", "")).startswith(_OWN_GROUPS)]


def _is_other_json(content: bytes) -> bool:
    """Whether it is JSON that holds something else than an object, as schemas and dashboards do."""
    try:
        body = msgspec.json.decode(content)
    except MALFORMED:
        return False
    return not is_object_like(body)


def _takes_away(patch: dict[str, Any]) -> bool:
    return patch.get("$patch") == "delete" and patch.keys() <= _OF_A_DELETION


def _matches(pattern: object, text: str) -> bool:
    """As Kustomize selects, by an anchored expression; names may have got a prefix or a suffix since."""
    if not isinstance(pattern, str) or not pattern:
        return True
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def _at_most(rows: Iterable[Unread]) -> list[Unread]:
    return list(_shortened(list(rows)))


def _shortened(rows: list[Unread]) -> Iterator[Unread]:
    yield from rows[:_NAMED]
    if len(rows) > _NAMED:
        yield Unread("", f"{len(rows) - _NAMED:,} more files like these", rows[0].reason)
