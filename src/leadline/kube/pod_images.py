"""What a pod runs, as its node reports it: containers with the images that they really run, and what opens these."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from leadline.kube.workload import CONTAINER_LISTS, MAX_CONTAINERS

_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_ENDED = ("Succeeded", "Failed")
_SCHEME = re.compile(r"^[a-z-]+://")
"""``docker-pullable://``, of nodes that run Docker."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_BARE = re.compile(r"[0-9a-f]{64}")


class PodContainer(Struct, frozen=True):
    name: str
    written: str
    """The image as the pod names it."""
    pulled: str
    """The name that the node has it by, ``registry/repository@digest``; empty where it was never pulled."""
    digest: str
    """Of what was pulled; the image's id where it was never pulled, but brought to the node some other way."""


class Owner(Struct, frozen=True):
    kind: str
    name: str
    uid: str


class PodImages(Struct, frozen=True):
    """The containers of a pod that have started."""

    uid: str
    namespace: str
    name: str
    created: str
    """RFC 3339."""
    node: str
    account: str
    """Its service account."""
    pull_secrets: tuple[str, ...]
    owner: Owner | None
    """The one that manages it."""
    containers: tuple[PodContainer, ...]


def pod_images(body: Mapping[str, Any]) -> PodImages | None:
    """``None`` for what is no pod that runs: a Job that has ended runs nothing."""
    metadata, spec, status = (_mapping(body.get(name)) for name in ("metadata", "spec", "status"))
    if not metadata.get("name") or status.get("phase") in _ENDED:
        return None
    return PodImages(
        _text(metadata.get("uid")),
        _text(metadata.get("namespace")),
        _text(metadata.get("name")),
        _text(metadata.get("creationTimestamp")),
        _text(spec.get("nodeName")),
        _text(spec.get("serviceAccountName")) or "default",
        secret_names(spec.get("imagePullSecrets")),
        owner_of(metadata),
        tuple(_containers(spec, status)),
    )


def secret_names(value: Any) -> tuple[str, ...]:
    """Of ``imagePullSecrets``, in order, each once."""
    return tuple(dict.fromkeys(name for one in _mappings(value) if (name := _text(one.get("name")))))


def owner_of(metadata: Mapping[str, Any]) -> Owner | None:
    """The owner that manages an object, which is at most one."""
    for owner in _mappings(metadata.get("ownerReferences")):
        if owner.get("controller") is True:
            return Owner(_text(owner.get("kind")), _text(owner.get("name")), _text(owner.get("uid")))
    return None


def _containers(spec: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[PodContainer]:
    written = {
        _text(container.get("name")): _text(container.get("image"))
        for name in CONTAINER_LISTS
        for container in _mappings(spec.get(name))
    }
    for one in (one for name in _STATUSES for one in _mappings(status.get(name))):
        name = _text(one.get("name"))
        pulled = _SCHEME.sub("", _text(one.get("imageID")))
        digest = pulled.rpartition("@")[2]
        if _BARE.fullmatch(digest):
            digest = f"sha256:{digest}"
        if name in written and _DIGEST.fullmatch(digest):
            yield PodContainer(name, written[name], pulled if "@" in pulled else "", digest)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> Sequence[Mapping[str, Any]]:
    found = value[:MAX_CONTAINERS] if isinstance(value, list) else ()
    return [one for one in found if isinstance(one, dict)]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
