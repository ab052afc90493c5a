"""Asks a running containerd over its socket: four calls (https://github.com/containerd/containerd/tree/main/api/services)."""

from collections.abc import Iterator
from pathlib import Path

from leadline.sources.local_grpc import LocalGrpc, bytes_of, number_of, read_fields, text_field, text_of

IMAGES = "/containerd.services.images.v1.Images/"
CONTENT = "/containerd.services.content.v1.Content/"


class ContainerdSocket:
    """One socket and one namespace of containerd."""

    def __init__(self, path: Path, namespace: str) -> None:
        self._grpc = LocalGrpc(path, "containerd", {"containerd-namespace": namespace})

    def target(self, name: str) -> tuple[str, str, int]:
        """Media type, digest and size of the image called ``name``.

        Raises:
            NotFound: there is none.
            SourceError: containerd does not answer.
        """
        reply = read_fields(next(self._grpc.call(IMAGES + "Get", text_field(1, name)), b""))
        target = read_fields(bytes_of(read_fields(bytes_of(reply, 1)), 3))
        return text_of(target, 1), text_of(target, 2), number_of(target, 3)

    def size(self, digest: str) -> int:
        """Bytes of the blob. Raises as ``target``."""
        reply = read_fields(next(self._grpc.call(CONTENT + "Info", text_field(1, digest)), b""))
        return number_of(read_fields(bytes_of(reply, 1)), 2)

    def pieces(self, digest: str) -> Iterator[bytes]:
        """The blob piece by piece. Raises as ``target``."""
        for message in self._grpc.call(CONTENT + "Read", text_field(1, digest)):
            yield bytes_of(read_fields(message), 2)
