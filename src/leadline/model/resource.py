"""A Kubernetes object and where it came from."""

from collections.abc import Iterable
from typing import Any, Literal

from msgspec import Struct, structs

from leadline.model.resource_id import file_id, object_id

OriginKind = Literal["file", "helm", "kustomize", "cluster", "derived"]


class Origin(Struct, frozen=True):
    """The place of an object. Line numbers are found on demand by reading the file again."""

    kind: OriginKind = "file"
    path: str = ""
    """The file, relative to ``root`` with forward slashes; ``-`` for standard input; the template of a chart."""
    document: int = 0
    """Counted from 0 within the file."""
    inside: str = ""
    """Where the object is within its document: ``""``, or ``items[3].`` in a list."""
    root: str = ""
    """The folder that ``path`` is relative to, as the user named it."""
    rendered_from: str = ""
    """The chart or kustomization folder that was rendered, relative to ``root``."""
    values: tuple[str, ...] = ()
    """The files of values that this one rendering was asked with, relative to the chart's folder, else absolute; later ones win."""
    setting: str = ""
    """In which other way the chart was rendered: ``as an upgrade``; empty for an installation."""
    cluster: str = ""
    """The kubeconfig context."""
    is_random: bool = False
    """Whether its chart makes random texts: names may differ each time that it is rendered."""

    @property
    def rendering(self) -> str:
        """What sets one rendering apart: ``charts/shop``, ``charts/shop with prod.yaml``; empty for what nothing rendered."""
        words = [f"with {', '.join(self.values)}"] if self.values else []
        words += [self.setting] if self.setting else []
        return " ".join((self.rendered_from or ".", *words)) if words else self.rendered_from

    @property
    def file(self) -> str:
        """The file as the user would open it; empty for objects without one."""
        return "" if self.kind in ("cluster", "derived") or not self.path else joined(self.root, self.path)


def joined(root: str, path: str) -> str:
    """``path`` below ``root`` with forward slashes; ``.`` and the empty root add nothing."""
    root = root.replace("\\", "/").rstrip("/") if root != "/" else "/"
    if path == "." and root:
        return root
    if root in ("", ".") or path == "-" or path.startswith("/"):
        return path
    return f"/{path}" if root == "/" else f"{root.removeprefix('./')}/{path}"


CLUSTER = Origin(kind="cluster")


class Resource(Struct, frozen=True):
    """One object. ``body`` is what was parsed, and is never changed."""

    api_version: str
    kind: str
    namespace: str
    name: str
    body: dict[str, Any]
    origin: Origin = CLUSTER
    id: str = ""
    """Left empty, it follows from the other fields; see ``resource_id`` for its forms."""

    def __post_init__(self) -> None:
        if not self.id:
            structs.force_setattr(self, "id", _id_of(self))

    @property
    def group(self) -> str:
        return self.api_version.partition("/")[0] if "/" in self.api_version else ""

    @property
    def title(self) -> str:
        """``namespace/Kind/name``, the way people are shown an object."""
        return f"{self.namespace}/{self.kind}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"


def _id_of(resource: Resource) -> str:
    """Objects of a cluster have the object form, derived ones the one they were given, all others the file form."""
    origin = resource.origin
    if origin.kind == "derived":
        return origin.path
    plain = object_id(resource.api_version, resource.namespace, resource.kind, resource.name)
    if origin.kind == "cluster":
        return plain
    # Two overlays make two objects of one file, and so do two renderings of a chart.
    rendering = origin.rendering
    file = f"{rendering}:{origin.path}" if rendering else origin.path
    inside = f":{origin.document}:{origin.inside}" if origin.inside else f":{origin.document}"
    return file_id(file, inside, plain)


def with_own_ids(resources: Iterable[Resource], taken: set[str] | None = None) -> tuple[Resource, ...]:
    """``resources`` in their order, each with an id that none before it has nor is among ``taken``.

    Two objects have one id where an object was read twice, or where the hash in the file form falls on one number for
    two files. The second gets ``#2`` at its end, the third ``#3``. ``taken`` grows by the ids given.
    """
    seen = set() if taken is None else taken
    own: list[Resource] = []
    for resource in resources:
        if resource.id in seen:
            number = 2
            while f"{resource.id}#{number}" in seen:
                number += 1
            resource = structs.replace(resource, id=f"{resource.id}#{number}")
        seen.add(resource.id)
        own.append(resource)
    return tuple(own)


def resource_of(body: dict[str, Any], origin: Origin = CLUSTER) -> Resource:
    """The resource that ``body`` describes; fields that are absent or no text are empty."""
    metadata = body.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    return Resource(
        _text(body.get("apiVersion")),
        _text(body.get("kind")),
        _text(metadata.get("namespace")),
        _text(metadata.get("name")) or _text(metadata.get("generateName")),
        body,
        origin,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
