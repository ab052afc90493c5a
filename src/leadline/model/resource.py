"""A Kubernetes object and where it came from."""

from typing import Any, Literal

from msgspec import Struct

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
    """Where the object stands within its document: ``""``, or ``items[3].`` in a list."""
    root: str = ""
    """The folder that ``path`` is relative to, as the user named it."""
    rendered_from: str = ""
    """The chart or kustomization folder that was rendered, relative to ``root``."""
    cluster: str = ""
    """The kubeconfig context."""

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

    @property
    def group(self) -> str:
        return self.api_version.partition("/")[0] if "/" in self.api_version else ""

    @property
    def id(self) -> str:
        """Unique within a report. Objects of a cluster have the object form, all others the file form."""
        plain = object_id(self.api_version, self.namespace, self.kind, self.name)
        if self.origin.kind == "cluster":
            return plain
        if self.origin.kind == "derived":
            return self.origin.path
        source = f"{self.origin.path}:{self.origin.document}{self.origin.inside and ':' + self.origin.inside}"
        # Two overlays make two objects of one file.
        return file_id(
            f"{self.origin.rendered_from}:{source}" if self.origin.rendered_from else source, plain
        )

    @property
    def title(self) -> str:
        """``namespace/Kind/name``, the way people are shown an object."""
        return f"{self.namespace}/{self.kind}/{self.name}" if self.namespace else f"{self.kind}/{self.name}"


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
