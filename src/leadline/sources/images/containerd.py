"""Images that containerd holds on this machine: through its socket, or in its folder when it cannot be asked."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from leadline.errors import SourceError
from leadline.packages.reference import Reference
from leadline.sources.images.boltdb import Bolt, DamagedBolt
from leadline.sources.images.containerd_grpc import ContainerdSocket
from leadline.sources.images.oci_layout import Find, Stored, file_at, stored_image
from leadline.sources.local_grpc import NotFound
from leadline.sources.oci.layer import OpenedImage, is_digest
from leadline.sources.oci.manifest import Descriptor, Platform

SOCKETS = (Path("/run/containerd/containerd.sock"), Path("/run/k3s/containerd/containerd.sock"))
FOLDERS = (Path("/var/lib/containerd"), Path("/var/lib/rancher/k3s/agent/containerd"))
NAMESPACES = ("k8s.io", "default", "moby")
"""Kubernetes' own, then the one that ``ctr`` uses unasked, then Docker's."""
CONTENT = "io.containerd.content.v1.content/blobs"
NAMES = "io.containerd.metadata.v1.bolt/meta.db"


def open_containerd_image(
    reference: Reference, platform: Platform | None, places: Sequence[Path] = (*SOCKETS, *FOLDERS)
) -> OpenedImage:
    """The image called ``reference`` in the first of ``places`` (sockets and folders) that has it.

    Raises:
        SourceError: none has it.
    """
    looked: list[str] = []
    failed: list[SourceError] = []
    for place in places:
        try:
            is_socket = stat.S_ISSOCK(place.stat().st_mode)
            found = (_on_socket if is_socket else _in_folder)(place, reference)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            failed.append(SourceError(f"cannot open {place}: {(error.strerror or str(error)).lower()}"))
            continue
        except SourceError as error:
            # One that does not answer may still have its folder here.
            failed.append(error)
            continue
        if found is not None:
            return stored_image(found.name, found.find, found.target, platform, _nothing)
        looked.append(str(place))
    if not looked and not failed:
        raise SourceError(
            "containerd cannot be reached", hint=f"none of these is here: {', '.join(map(str, places))}"
        )
    if not looked and len(failed) == 1:
        raise failed[0]
    asked = [f"looked in {', '.join(looked)}"] if looked else []
    raise SourceError(f"containerd has no {reference.full}", hint="; ".join((*asked, *map(str, failed))))


def _names(reference: Reference) -> Iterator[str]:
    """What containerd may call it: by tag, by digest, or by both."""
    names = [reference.full]
    if reference.digest:
        names.append(f"{reference.name}@{reference.digest}")
    yield from dict.fromkeys(names)


class _Found(Struct, frozen=True):
    """An image of which containerd knows the name; its parts are looked up when they are needed."""

    name: str
    target: Descriptor
    find: Find


def _on_socket(place: Path, reference: Reference) -> _Found | None:
    for namespace in NAMESPACES:
        wire = ContainerdSocket(place, namespace)
        for name in _names(reference):
            with suppress(NotFound):
                media_type, digest, size = wire.target(name)
                return _Found(name, Descriptor(digest, size, media_type), _Wire(wire).find)
    return None


def _nothing() -> None:
    """Every call has its own connection, and every reading its own file: there is nothing to close."""


class _Blob(Struct, frozen=True):
    wire: ContainerdSocket
    digest: str
    size: int
    stamp: str = ""

    def pieces(self) -> Iterator[bytes]:
        return self.wire.pieces(self.digest)


class _Wire:
    def __init__(self, wire: ContainerdSocket) -> None:
        self._wire = wire

    def find(self, digest: str) -> Stored | None:
        try:
            return _Blob(self._wire, digest, self._wire.size(digest))
        except NotFound:
            return None


def _in_folder(place: Path, reference: Reference) -> _Found | None:
    target = _target(place / NAMES, reference)
    if target is None:
        return None

    def find(digest: str) -> Stored | None:
        algorithm, _, value = digest.partition(":")
        return file_at(place / CONTENT / algorithm / value)

    return _Found(*target, find)


def _target(names: Path, reference: Reference) -> tuple[str, Descriptor] | None:
    """What the database says of ``reference``: bucket ``v1/<namespace>/images/<name>/target``."""
    try:
        file = os.open(names, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        database = Bolt(file)
        for namespace in NAMESPACES:
            for name in _names(reference):
                path = (b"v1", namespace.encode(), b"images", name.encode(), b"target")
                row = dict(database.bucket(*path))
                digest = row.get(b"digest", b"").decode("ascii", "replace")
                if is_digest(digest):
                    return name, Descriptor(
                        digest, media_type=row.get(b"mediatype", b"").decode("ascii", "replace")
                    )
    except DamagedBolt as error:
        raise SourceError(f"{names} cannot be read: {error}") from error
    finally:
        os.close(file)
    return None
