"""Images in files: archives of ``docker save``, OCI archives and OCI layouts."""

import os
import posixpath
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.image.config import ConfigReading, read_config
from leadline.image.layers import Layer
from leadline.image.stream import GZIP, ZSTD, Damaged, Region, bounded, decompressed
from leadline.image.tar import TarReader
from leadline.model.finding import Unread
from leadline.model.package import ImageIdentity
from leadline.sources.image_manifest import (
    DEEPEST_INDEX,
    LARGEST_MANIFEST,
    Descriptor,
    Manifest,
    Platform,
    decode,
    for_platform,
    layer_problem,
)
from leadline.sources.layer_blob import (
    OpenedImage,
    PieceLayer,
    RegionLayer,
    checked,
    is_digest,
    paired,
    region_pieces,
)

MOST_MEMBERS = 100_000
LARGEST_ARCHIVE = 64 << 30


class Member(Struct, frozen=True):
    """Where a file lies."""

    file: int
    """File descriptor."""
    start: int
    size: int

    def pieces(self) -> Iterator[bytes]:
        return region_pieces(self.file, self.start, self.size)

    def holds_tar(self) -> bool:
        """Whether it looks like an archive, compressed or not: a foreign layer may well be kept here."""
        head = os.pread(self.file, 512, self.start)
        return head[:2] == GZIP or head[:4] == ZSTD or head[257:262] == b"ustar"

    def read(self, name: str) -> bytes:
        """All of it, where it is small.

        Raises:
            SourceError: it is not.
        """
        if self.size > LARGEST_MANIFEST:
            raise SourceError(f"{name} is larger than {LARGEST_MANIFEST >> 20} MiB")
        return b"".join(self.pieces())


class _Saved(Struct, frozen=True, rename="pascal"):
    """One image of ``manifest.json``."""

    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


Find = Callable[[str], Member | None]


def open_docker_archive(path: Path, tag: str = "") -> OpenedImage:
    """The image in an archive of ``docker save``; the one called ``tag`` where there are several.

    Raises:
        SourceError: it is no such archive.
        UsageError: there are several images and ``tag`` names none of them.
    """
    archive = Archive(path)
    try:
        found = archive.member("manifest.json")
        if found is None:
            raise SourceError(f"{path} holds no manifest.json", hint="is it an archive of docker save?")
        images = decode(found.read("manifest.json"), list[_Saved], f"manifest.json of {path}")
        return _docker_image(path, archive, _called(images, tag, path))
    except BaseException:
        archive.close()
        raise


def open_oci_archive(path: Path, tag: str = "", platform: Platform | None = None) -> OpenedImage:
    """The image in a tar archive of an OCI layout. Raises as ``open_docker_archive``."""
    archive = Archive(path)
    try:
        return _oci_image(str(path), archive.member, tag, platform, archive.close)
    except BaseException:
        archive.close()
        raise


def open_oci_layout(path: Path, tag: str = "", platform: Platform | None = None) -> OpenedImage:
    """The image in a folder with an OCI layout. Raises as ``open_docker_archive``."""
    layout = _Layout(path)
    try:
        return _oci_image(str(path), layout.member, tag, platform, layout.close)
    except BaseException:
        layout.close()
        raise


def open_archive(path: Path, tag: str = "", platform: Platform | None = None) -> OpenedImage:
    """Either kind of archive, told apart by what it holds. Raises as ``open_docker_archive``."""
    with_manifest = Archive(path)
    try:
        names = with_manifest.names()
    finally:
        with_manifest.close()
    if "manifest.json" in names:
        return open_docker_archive(path, tag)
    if "index.json" in names:
        return open_oci_archive(path, tag, platform)
    raise SourceError(
        f"{path} is an archive but no image", hint="it holds neither manifest.json nor index.json"
    )


class Archive:
    """The members of a tar archive by name; a compressed one is unpacked into a file without a name."""

    def __init__(self, path: Path) -> None:
        self._closers: list[Callable[[], None]] = []
        try:
            file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise SourceError(f"cannot open {path}: {error.strerror}") from error
        self._closers.append(lambda: os.close(file))
        status = os.fstat(file)
        self.stamp = (
            f"file {status.st_dev} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
        )
        """Changes whenever the file does."""
        try:
            self._members = dict(self._index(*self._plain(file, status.st_size)))
        except Damaged as error:
            self.close()
            raise SourceError(f"{path} is damaged: {error}") from error

    def names(self) -> frozenset[str]:
        return frozenset(self._members)

    def member(self, name: str) -> Member | None:
        """The file called ``name``, links followed; ``None`` where there is none."""
        for _ in range(8):
            found = self._members.get(posixpath.normpath(name))
            if not isinstance(found, str):
                return found
            name = found
        return None

    def close(self) -> None:
        while self._closers:
            self._closers.pop()()

    def _plain(self, file: int, size: int) -> tuple[int, int]:
        head = os.pread(file, 4, 0)
        if head[:2] != GZIP and head != ZSTD:
            return file, size
        # Without a name nothing is left behind, whatever happens to this process.
        plain = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._closers.append(plain.close)
        total = 0
        for piece in bounded(decompressed(region_pieces(file, 0, size)), LARGEST_ARCHIVE):
            plain.write(piece)
            total += len(piece)
        plain.flush()
        return plain.fileno(), total

    def _index(self, file: int, size: int) -> Iterator[tuple[str, Member | str]]:
        reader = TarReader(Region(file, 0, size))
        for count, entry in enumerate(reader):
            if count > MOST_MEMBERS:
                raise Damaged(f"more than {MOST_MEMBERS} members")
            if entry.kind == "file":
                yield entry.path, Member(file, reader.body_start, entry.size)
            elif entry.kind == "symlink":
                yield entry.path, posixpath.join(posixpath.dirname(entry.path), entry.target)
            elif entry.kind == "hardlink":
                yield entry.path, entry.target


class _Layout:
    """The files of an OCI layout in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._open: list[int] = []

    def member(self, name: str) -> Member | None:
        try:
            file = os.open(self._path / name, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        self._open.append(file)
        return Member(file, 0, os.fstat(file).st_size)

    def close(self) -> None:
        while self._open:
            os.close(self._open.pop())


def _called(images: list[_Saved], tag: str, path: Path) -> _Saved:
    if not images:
        raise SourceError(f"{path} holds no image")
    for image in images:
        if tag and tag in (image.repo_tags or ()):
            return image
    names = ", ".join(name for image in images for name in image.repo_tags or ["(no name)"])
    if tag:
        raise UsageError(f"{path} holds no image called {tag}", hint=f"it holds {names}")
    if len(images) > 1:
        raise UsageError(f"{path} holds {len(images)} images", hint=f"add one after a colon: {names}")
    return images[0]


def _docker_image(path: Path, archive: Archive, saved: _Saved) -> OpenedImage:
    raw = archive.member(saved.config)
    if raw is None:
        raise SourceError(f"{path} holds no configuration {saved.config}")
    config, unread = _config(raw.read(saved.config))
    diff_ids, mismatch = paired(config.diff_ids, len(saved.layers))
    layers: list[Layer] = []
    for diff_id, name in zip(diff_ids, saved.layers, strict=True):
        member = archive.member(name)
        if member is None:
            layers.append(RegionLayer(diff_id, -1, 0, 0, missing=f"not in the archive: {name}"))
        else:
            key = f"{archive.stamp} {member.start}"
            layers.append(RegionLayer(diff_id, member.file, member.start, member.size, key))
    identity = ImageIdentity(
        str(path),
        id=_docker_id(saved.config),
        repo_tags=tuple(saved.repo_tags or ()),
        platform=config.platform,
        layers=tuple(diff_ids),
    )
    key = f"{archive.stamp} {saved.config}"
    return OpenedImage(identity, config, tuple(layers), key, unread + mismatch, (archive.close,))


def _docker_id(name: str) -> str:
    stem = posixpath.basename(name).removesuffix(".json")
    return f"sha256:{stem}" if is_digest(f"sha256:{stem}") else ""


def _config(content: bytes) -> tuple[ConfigReading, tuple[Unread, ...]]:
    try:
        return read_config(content), ()
    except Damaged as error:
        return ConfigReading(), (Unread("image configuration", str(error)),)


def _oci_image(
    name: str, find: Find, tag: str, platform: Platform | None, close: Callable[[], None]
) -> OpenedImage:
    index_file = find("index.json")
    if index_file is None:
        raise SourceError(f"{name} holds no index.json", hint="is it an OCI layout?")
    index = decode(index_file.read("index.json"), Manifest, f"index.json of {name}")
    chosen = _tagged(index.manifests or [], tag, name)
    descriptor = chosen[0] if len(chosen) == 1 else for_platform(chosen, platform, name)
    manifest, digest = _manifest(find, descriptor, platform, name)
    raw = _blob(find, manifest.config, name)
    config, unread = _config(raw)
    diff_ids, mismatch = paired(config.diff_ids, len(manifest.layers))
    layers = [_layer(find, one, diff_id) for one, diff_id in zip(manifest.layers, diff_ids, strict=True)]
    names = tuple(
        value
        for key, value in (descriptor.annotations or {}).items()
        if key in ("org.opencontainers.image.ref.name", "io.containerd.image.name")
    )
    identity = ImageIdentity(
        name,
        id=manifest.config.digest,
        digest=digest,
        repo_tags=names,
        platform=config.platform,
        layers=tuple(diff_ids),
    )
    return OpenedImage(identity, config, tuple(layers), f"manifest {digest}", unread + mismatch, (close,))


def _tagged(manifests: list[Descriptor], tag: str, name: str) -> list[Descriptor]:
    if not manifests:
        raise SourceError(f"{name} holds no image")
    if not tag:
        tags = {_tag(one) for one in manifests}
        if len(tags) > 1:
            hint = f"add one after a colon: {', '.join(sorted(tags))}"
            raise UsageError(f"{name} holds {len(tags)} images", hint=hint)
        return manifests
    found = [one for one in manifests if tag in (_tag(one), one.digest)]
    if not found:
        offered = ", ".join(sorted(_tag(one) for one in manifests))
        raise UsageError(f"{name} holds no image called {tag}", hint=f"it holds {offered}")
    return found


def _tag(one: Descriptor) -> str:
    return (one.annotations or {}).get("org.opencontainers.image.ref.name", "(no name)")


def _manifest(
    find: Find, descriptor: Descriptor, platform: Platform | None, name: str
) -> tuple[Manifest, str]:
    for _ in range(DEEPEST_INDEX):
        manifest = decode(_blob(find, descriptor, name), Manifest, f"manifest {descriptor.digest}")
        if manifest.manifests is None:
            return manifest, descriptor.digest
        descriptor = for_platform(manifest.manifests, platform, name)
    raise SourceError(f"{name} nests its indexes too deeply")


def _blob(find: Find, descriptor: Descriptor, name: str) -> bytes:
    member = _member(find, descriptor.digest)
    if member is None:
        raise SourceError(f"{name} holds no blob {descriptor.digest[:80]}")
    content = member.read(f"blob {descriptor.digest}")
    try:
        return b"".join(checked(iter((content,)), descriptor.digest))
    except Damaged as error:
        raise SourceError(f"blob {descriptor.digest} of {name} is damaged: {error}") from error


def _member(find: Find, digest: str) -> Member | None:
    return find(f"blobs/{digest.replace(':', '/')}") if is_digest(digest) else None


def _layer(find: Find, descriptor: Descriptor, diff_id: str) -> PieceLayer:
    digest = descriptor.digest
    member = _member(find, digest)
    if member is None:
        why = layer_problem(descriptor) or f"blob {digest[:80]} is not there"
        return PieceLayer(diff_id, lambda: iter(()), size_bytes=descriptor.size, missing=why)
    found = member
    problem = "" if found.holds_tar() else layer_problem(descriptor)
    return PieceLayer(diff_id, lambda: checked(found.pieces(), digest), digest, member.size, problem)
