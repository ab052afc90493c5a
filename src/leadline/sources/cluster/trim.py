"""Cuts an object that was read from a cluster down to what controls look at, and keeps equal parts once.

Without this, 100,000 objects do not fit into a gigabyte: most of a server's answer is bookkeeping, and most
containers of a cluster differ in a name and an image alone.
"""

import hashlib
import sys
from collections.abc import Mapping
from typing import Any

import orjson

from leadline.kept_once import KeptOnce
from leadline.model.host import FACT_KINDS
from leadline.sources.cluster.last_applied import LAST_APPLIED, remainder

_STATUS_KEPT: Mapping[str, tuple[str, ...]] = {
    "Node": ("nodeInfo", "addresses"),
    "Service": ("loadBalancer",),
    "Ingress": ("loadBalancer",),
    "Gateway": ("addresses",),
    "Namespace": ("phase",),
    "Pod": ("phase",),
    # When the facts of a node were read: what was true long ago is not judged in silence.
    **dict.fromkeys(FACT_KINDS, ("lastSensed",)),
}
_METADATA_ALONE = frozenset({"Event", "Lease", "LeaseCandidate"})
"""Kinds that change all the time, of which controls look at the name and the version alone."""
_BOOKKEEPING = ("managedFields", "resourceVersion", "generation", "selfLink")
_CONTAINER_LISTS = ("containers", "initContainers")
_SHARED_FIELDS = ("rules", "roleRef", "subjects", "webhooks")


class SharedParts:
    """Equal parts of objects, each kept once. Owned by one reading; safe to use from several threads."""

    def __init__(self) -> None:
        self._parts: KeptOnce[bytes, Any] = KeptOnce()

    def one(self, part: Any) -> Any:
        """``part``, or the equal one that was seen first."""
        key = hashlib.blake2b(orjson.dumps(part), digest_size=16).digest()
        return self._parts.one(key, part)


def lightened(body: dict[str, Any]) -> bool:
    """Takes the largest part that no one looks at out of an object that waits to be trimmed; true."""
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        metadata.pop("managedFields", None)
    return True


def trim(body: dict[str, Any], parts: SharedParts) -> None:
    """Cuts ``body`` in place. Values of a Secret are dropped, their keys stay; of what was last applied only that
    stays which the object itself says no more.
    """
    kind = body.get("kind")
    metadata = body.get("metadata")
    if isinstance(metadata, dict):
        _trim_last_applied(body, metadata)
        _trim_metadata(metadata, parts)
    _trim_status(body, str(kind))
    if kind in _METADATA_ALONE:
        for field in body.keys() - {"apiVersion", "kind", "metadata"}:
            del body[field]
    if kind == "Secret":
        _drop_values(body)
    for field in _SHARED_FIELDS:
        if isinstance(body.get(field), dict | list):
            body[field] = parts.one(body[field])
    kept = body.get("data") if kind == "ControllerRevision" else None
    for spec in (body.get("spec"), kept.get("spec") if isinstance(kept, dict) else None):
        if isinstance(spec, dict):
            _share_spec(spec, parts, depth=0)


def _trim_last_applied(body: dict[str, Any], metadata: dict[str, Any]) -> None:
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict) and LAST_APPLIED in annotations:
        left = remainder(body, annotations.pop(LAST_APPLIED))
        if left:
            annotations[LAST_APPLIED] = left


def _trim_metadata(metadata: dict[str, Any], parts: SharedParts) -> None:
    for field in _BOOKKEEPING:
        metadata.pop(field, None)
    if metadata.get("annotations") == {}:
        del metadata["annotations"]
    for field in ("labels", "annotations", "ownerReferences"):
        if field in metadata:
            metadata[field] = parts.one(metadata[field])
    if isinstance(metadata.get("namespace"), str):
        metadata["namespace"] = sys.intern(metadata["namespace"])


def _trim_status(body: dict[str, Any], kind: str) -> None:
    status = body.pop("status", None)
    kept = _STATUS_KEPT.get(kind, ())
    if isinstance(status, dict):
        rest = {field: status[field] for field in kept if field in status}
        if rest:
            body["status"] = rest


def _drop_values(body: dict[str, Any]) -> None:
    for field in ("data", "stringData"):
        values = body.get(field)
        if isinstance(values, dict):
            body[field] = dict.fromkeys(values, "")


def _share_spec(spec: dict[str, Any], parts: SharedParts, *, depth: int) -> None:
    """Shares what is in a spec, and in the specs within it down to a CronJob's pod."""
    for field, value in spec.items():
        if not isinstance(value, dict | list):
            continue
        if field in _CONTAINER_LISTS and isinstance(value, list):
            _share_containers(value, parts)
        elif field == "volumes" and isinstance(value, list):
            _share_projections(value, parts)
        elif field in ("template", "jobTemplate") and isinstance(value, dict) and depth < 2:
            inner = value.get("spec")
            if isinstance(inner, dict):
                _share_spec(inner, parts, depth=depth + 1)
            if isinstance(value.get("metadata"), dict):
                value["metadata"].pop("creationTimestamp", None)
        spec[field] = parts.one(value)


def _share_containers(containers: list[Any], parts: SharedParts) -> None:
    for i, container in enumerate(containers):
        if isinstance(container, dict):
            for field, value in container.items():
                if isinstance(value, dict | list):
                    container[field] = parts.one(value)
            containers[i] = parts.one(container)


def _share_projections(volumes: list[Any], parts: SharedParts) -> None:
    """Every pod has one of its account's token, under a name of its own."""
    for volume in volumes:
        if isinstance(volume, dict) and isinstance(volume.get("projected"), dict):
            volume["projected"] = parts.one(volume["projected"])
