"""Asks the runtime of this node for the names of a container: containerd, CRI-O, cri-dockerd, by ``runtime.v1``.

https://github.com/kubernetes/cri-api/blob/master/pkg/apis/runtime/v1/api.proto
"""

from collections.abc import Mapping
from pathlib import Path

from leadline.model.container import Container
from leadline.sources.local_grpc import (
    Fields,
    LocalGrpc,
    NotFound,
    bytes_of,
    read_fields,
    text_field,
    text_of,
)

USUAL_PLACES = (
    "/run/containerd/containerd.sock",
    "/run/crio/crio.sock",
    "/run/cri-dockerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/k0s/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
)
TIMEOUT_S = 2.0
_LIST = "/runtime.v1.RuntimeService/ListContainers"
_FILTER, _FILTER_ID = 1, 1
_ID, _METADATA, _IMAGE, _IMAGE_REF, _LABELS = 1, 3, 4, 5, 8
_IMAGE_AS_ASKED = 18
_MOST_LABELS = 256
_POD = "io.kubernetes.pod."
_LONGEST = 512


def usual_socket() -> Path | None:
    """The first of the usual places where there is a socket."""
    return next((path for path in map(Path, USUAL_PLACES) if path.is_socket()), None)


class RuntimeSocket:
    def __init__(self, path: Path) -> None:
        self._grpc = LocalGrpc(path, "the container runtime", {}, timeout_s=TIMEOUT_S)

    def container(self, id: str) -> Container | None:
        """What is known of the container ``id``; ``None`` where the runtime has none.

        Raises: ``SourceError`` where it does not answer.
        """
        inner = text_field(_FILTER_ID, id)
        request = bytes((_FILTER << 3 | 2, *_size(len(inner)))) + inner
        try:
            answer = read_fields(next(self._grpc.call(_LIST, request), b""))
        except NotFound:
            return None
        for raw in answer.get(1, ()):
            one = read_fields(raw) if isinstance(raw, bytes) else {}
            if text_of(one, _ID) == id:
                return _container(id, one)
        return None


class UsualRuntime:
    """Whatever listens at one of the usual places, once something does."""

    def container(self, id: str) -> Container | None:
        """As ``RuntimeSocket``; ``None`` where nothing listens."""
        path = usual_socket()
        return RuntimeSocket(path).container(id) if path is not None else None


def _container(id: str, one: Fields) -> Container:
    labels = _labels(one)
    image = read_fields(bytes_of(one, _IMAGE))
    return Container(
        id,
        name=_short(
            labels.get("io.kubernetes.container.name") or text_of(read_fields(bytes_of(one, _METADATA)), 1)
        ),
        image=_short(text_of(image, _IMAGE_AS_ASKED) or text_of(image, 1)),
        image_id=_short(text_of(one, _IMAGE_REF)),
        pod=_short(labels.get(f"{_POD}name", "")),
        pod_uid=_short(labels.get(f"{_POD}uid", "")),
        namespace=_short(labels.get(f"{_POD}namespace", "")),
    )


def _labels(one: Fields) -> Mapping[str, str]:
    pairs = [read_fields(raw) for raw in one.get(_LABELS, ())[:_MOST_LABELS] if isinstance(raw, bytes)]
    return {text_of(pair, 1): text_of(pair, 2) for pair in pairs}


def _short(text: str) -> str:
    return text[:_LONGEST]


def _size(number: int) -> bytes:
    """A length of at most 16,383."""
    return bytes((number,)) if number < 128 else bytes((number & 127 | 128, number >> 7))
