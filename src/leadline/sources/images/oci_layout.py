"""Images whose parts are found by digest: OCI layouts, archives of them, and containerd's content store."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.model.package import ImageIdentity
from leadline.model.unread import Unread
from leadline.packages.late_pattern import late_pattern
from leadline.sbom.identity.config import ConfigReading, read_config
from leadline.sbom.layers.stream import Damaged, is_compressed
from leadline.sources.images.file_stamp import file_stamp
from leadline.sources.oci.layer import (
    OpenedImage,
    PieceLayer,
    checked,
    is_digest,
    paired,
    region_pieces,
)
from leadline.sources.oci.manifest import (
    DEEPEST_INDEX,
    LARGEST_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    check_is_image,
    for_platform,
    layer_problem,
    read_manifest,
)

SAVED_BY_COSIGN = frozenset(("dev.cosignproject.cosign/sigs", "dev.cosignproject.cosign/atts"))
"""What ``cosign save`` calls the kind of what is attached to the image, in an annotation."""
_OF_IMAGES = (
    *(None, "", "application/vnd.oci.image.config.v1+json"),
    "application/vnd.docker.container.image.v1+json",
)
"""Artifact types that say of an image that it is one, as cosign 3 writes them."""
_ATTACHED_TAG = late_pattern(r"sha256-[0-9a-f]{64}(?:\.(?:sig|att|sbom))?")
_NO_NAME = "(no name)"


class Stored(Protocol):
    """Something that is kept under a name or digest."""

    @property
    def size(self) -> int:
        """In bytes, as stored."""

    @property
    def stamp(self) -> str:
        """Changes when it is written to; empty where the place vouches for its content."""

    def pieces(self) -> Iterator[bytes]:
        """The content, from its start."""


class Member(Struct, frozen=True):
    """Where a file lies."""

    file: int
    """File descriptor."""
    start: int
    size: int
    stamp: str = ""

    def pieces(self) -> Iterator[bytes]:
        """Raises ``SourceError`` where the disk does not give it."""
        try:
            yield from region_pieces(self.file, self.start, self.size)
        except OSError as error:
            raise SourceError(f"it cannot be read: {error.strerror}") from error


class FileAt(Struct, frozen=True):
    """A file that is opened when it is read: an image may have more layers than a process files."""

    path: Path
    size: int
    stamp: str
    """``file_stamp`` when it was found."""

    def pieces(self) -> Iterator[bytes]:
        """Raises ``SourceError`` where it may not be read."""
        # A named pipe that took its place would otherwise wait for a writer.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            file = os.open(self.path, flags)
        except OSError as error:
            raise SourceError(f"cannot open {self.path}: {error.strerror}") from error
        try:
            yield from Member(file, 0, self.size).pieces()
        finally:
            os.close(file)


def file_at(path: Path) -> FileAt | None:
    """The file at ``path``; ``None`` where there is nothing.

    Raises:
        SourceError: what is there is not a file, or cannot be looked at.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SourceError(f"cannot open {path}: {error.strerror}") from error
    if not stat.S_ISREG(status.st_mode):
        raise SourceError(f"{path} is not a file")
    return FileAt(path, status.st_size, file_stamp(status))


Find = Callable[[str], Stored | None]
"""From a digest, or in a layout the name of a file, to what is stored there."""


def layout_image(
    name: str, find: Find, tag: str, platform: Platform | None, close: Callable[[], None]
) -> OpenedImage:
    """The image of an OCI layout, by its ``index.json``.

    Raises:
        SourceError: there is none, or it is damaged.
        UsageError: there are several, and neither ``tag`` nor ``platform`` decides.
    """
    descriptor = chosen_in(name, find, tag, platform)
    return stored_image(name, _blobs_of(find), descriptor, platform, close)


def chosen_in(name: str, find: Find, tag: str, platform: Platform | None = None) -> Descriptor:
    """The image or index in a layout that ``tag`` names, or the only one. Raises as ``layout_image``."""
    images = _images(index_of(name, find).manifests or [], find)
    chosen = _tagged(images, tag, name)
    return chosen[0] if len(chosen) == 1 else for_platform(chosen, platform, name)


def index_of(name: str, find: Find) -> Manifest:
    """What ``index.json`` lists. Raises as ``layout_image``."""
    index_file = find("index.json")
    if index_file is None:
        raise SourceError(
            f"{name} holds no index.json, which names the images of an OCI layout",
            hint="name the folder of a whole layout",
        )
    return read_manifest(small(index_file, "index.json"), f"index.json of {name}")


def blob_of(find: Find, digest: str, name: str) -> bytes | None:
    """A small blob of the layout, digest checked; ``None`` where it is not there. Raises ``SourceError``."""
    found = _blobs_of(find)
    return _blob(found, Descriptor(digest), name) if _member(found, digest) is not None else None


def _blobs_of(find: Find) -> Find:
    return lambda digest: find(f"blobs/{digest.replace(':', '/')}")


def _images(manifests: list[Descriptor], find: Find) -> list[Descriptor]:
    """``manifests`` without what is attached to images: signatures and attestations.

    Where names and kinds do not say which is which, manifests are read: one with a subject is attached to it.
    """
    images = [one for one in manifests if not _says_attached(one)]
    if len(images) < 2:
        return images or manifests
    return [one for one in images if not _has_subject(one, find)] or images


def _says_attached(one: Descriptor) -> bool:
    kind = (one.annotations or {}).get("kind", "")
    return (
        kind in SAVED_BY_COSIGN
        or one.artifact_type not in _OF_IMAGES
        or _ATTACHED_TAG.fullmatch(tag_of(one)) is not None
    )


def _has_subject(one: Descriptor, find: Find) -> bool:
    try:
        content = blob_of(find, one.digest, "")
        return content is not None and bool(read_manifest(content, "").subject)
    except SourceError:
        return False  # opening it says what is wrong


def stored_image(
    name: str, find: Find, descriptor: Descriptor, platform: Platform | None, close: Callable[[], None]
) -> OpenedImage:
    """The image of the manifest or index that ``descriptor`` names. Raises as ``layout_image``."""
    manifest, digest = _manifest(find, descriptor, platform, name)
    check_is_image(manifest, name)
    raw = _blob(find, manifest.config, name)
    config, unread = configuration(raw)
    diff_ids, mismatch = paired(config.diff_ids, len(manifest.layers))
    layers = [_layer(find, one, diff_id) for one, diff_id in zip(manifest.layers, diff_ids, strict=True)]
    identity = ImageIdentity(
        name,
        id=manifest.config.digest,
        digest=digest,
        repo_tags=_names(descriptor),
        platform=config.platform,
        layers=tuple(diff_ids),
    )
    return OpenedImage(identity, config, tuple(layers), f"manifest {digest}", unread + mismatch, (close,))


def small(stored: Stored, name: str) -> bytes:
    """All of it, where it is small.

    Raises:
        SourceError: it is not.
    """
    if stored.size > LARGEST_MANIFEST:
        raise SourceError(f"{name} is larger than {LARGEST_MANIFEST >> 20} MiB")
    return b"".join(stored.pieces())


def configuration(content: bytes) -> tuple[ConfigReading, tuple[Unread, ...]]:
    """What a configuration says, and what of it cannot be read."""
    try:
        return read_config(content), ()
    except Damaged as error:
        return ConfigReading(), (Unread("image configuration", str(error), "malformed"),)


def _tagged(manifests: list[Descriptor], tag: str, name: str) -> list[Descriptor]:
    if not manifests:
        raise SourceError(f"{name} holds no image")
    if not tag:
        tags = {tag_of(one) or _NO_NAME for one in manifests}
        if len(tags) > 1:
            hint = f"add one after a colon: {', '.join(sorted(tags))}"
            raise UsageError(f"{name} holds {len(tags)} images", hint=hint)
        return manifests
    found = [one for one in manifests if tag == one.digest or any(is_same_name(n, tag) for n in _names(one))]
    if not found and len(manifests) == 1 and not _names(manifests[0]) and not is_digest(tag):
        return manifests  # it says no name, and the user does
    if not found:
        offered = ", ".join(sorted(tag_of(one) or _NO_NAME for one in manifests))
        raise UsageError(f"{name} holds no image called {tag}", hint=f"it holds {offered}")
    return found


def is_same_name(name: str, wanted: str) -> bool:
    """Whether both mean one image, each written out or as people write it: ``docker.io/library/nginx:1``, ``nginx:1``."""
    if name == wanted:
        return True
    from leadline.packages.reference import read_reference  # where a layout holds several

    first, second = read_reference(name), read_reference(wanted)
    return first is not None and second is not None and first.full == second.full


def _names(one: Descriptor) -> tuple[str, ...]:
    """What the tools that wrote the layout call it."""
    keys = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
    return tuple(value for key, value in (one.annotations or {}).items() if key in keys)


def tag_of(one: Descriptor) -> str:
    """What a layout calls one of its images; empty where it says no name."""
    return (one.annotations or {}).get("org.opencontainers.image.ref.name", "")


def _manifest(
    find: Find, descriptor: Descriptor, platform: Platform | None, name: str
) -> tuple[Manifest, str]:
    for _ in range(DEEPEST_INDEX):
        manifest = read_manifest(_blob(find, descriptor, name), f"manifest {descriptor.digest}")
        if manifest.manifests is None:
            return manifest, descriptor.digest
        descriptor = for_platform(manifest.manifests, platform, name)
    raise SourceError(f"{name} nests its indexes too deeply")


def _blob(find: Find, descriptor: Descriptor, name: str) -> bytes:
    member = _member(find, descriptor.digest)
    if member is None:
        raise SourceError(f"{name} holds no blob {descriptor.digest[:80]}")
    content = small(member, f"blob {descriptor.digest}")
    try:
        return b"".join(checked(iter((content,)), descriptor.digest))
    except Damaged as error:
        raise SourceError(f"blob {descriptor.digest} of {name} is damaged: {error}") from error


def _member(find: Find, digest: str) -> Stored | None:
    return find(digest) if is_digest(digest) else None


def _layer(find: Find, descriptor: Descriptor, diff_id: str) -> PieceLayer:
    digest = descriptor.digest
    problem = layer_problem(descriptor)
    try:
        found = _member(find, digest)
        if found is not None:
            why = "" if problem and _holds_tar(found) else problem
            return PieceLayer(
                diff_id, lambda: checked(found.pieces(), digest), digest, found.size, why, found.stamp
            )
        problem = problem or f"blob {digest[:80]} is not there"
    except SourceError as error:
        problem = str(error)
    return PieceLayer(diff_id, lambda: iter(()), size_bytes=descriptor.size, missing=problem)


def _holds_tar(stored: Stored) -> bool:
    """Whether it looks like an archive, compressed or not: a foreign layer may well be kept here."""
    head = next(stored.pieces(), b"")
    return is_compressed(head) or head[257:262] == b"ustar"
