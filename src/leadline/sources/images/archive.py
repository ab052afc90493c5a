"""Images in files: archives of ``docker save``, OCI archives and OCI layouts."""

import os
import posixpath
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.model.package import ImageIdentity
from leadline.sbom.image import Layer
from leadline.sbom.layers.stream import HEAD_BYTES, Damaged, Region, bounded, decompressed, is_compressed
from leadline.sources.images.file_stamp import file_stamp
from leadline.sources.images.oci_layout import (
    Member,
    configuration,
    file_at,
    is_same_name,
    layout_image,
    small,
)
from leadline.sources.oci.layer import (
    OpenedImage,
    RegionLayer,
    name_of,
    paired,
    region_pieces,
)
from leadline.sources.oci.manifest import (
    Platform,
    check_layers,
    decode,
)

MOST_MEMBERS = 100_000
LARGEST_ARCHIVE = 64 << 30


class _Saved(Struct, frozen=True, rename="pascal"):
    """One image of ``manifest.json``."""

    config: str
    layers: list[str] | None
    """Docker writes null for an image without layers."""
    repo_tags: list[str] | None = None


def open_docker_archive(path: Path, tag: str = "") -> OpenedImage:
    """The image in an archive of ``docker save``; the one called ``tag`` where there are several.

    Raises:
        SourceError: it is another archive, or none.
        UsageError: there are several images and ``tag`` names none of them.
    """
    return saved_image(path, Archive(path), tag)


def saved_image(path: Path, archive: "Archive", tag: str = "") -> OpenedImage:
    """The image in ``archive``, which is closed with it. Raises as ``open_docker_archive``."""
    with ExitStack() as undone:
        undone.callback(archive.close)
        found = archive.member("manifest.json")
        if found is None:
            raise SourceError(f"{path} holds no manifest.json", hint="is it an archive of docker save?")
        images = decode(small(found, "manifest.json"), list[_Saved], f"manifest.json of {path}")
        image = _docker_image(path, archive, _called(images, tag, path))
        undone.pop_all()
    return image


def open_oci_archive(path: Path, tag: str = "", platform: Platform | None = None) -> OpenedImage:
    """The image in a tar archive of an OCI layout. Raises as ``open_docker_archive``."""
    return _layout_in(path, Archive(path), tag, platform)


def open_oci_layout(path: Path, tag: str = "", platform: Platform | None = None) -> OpenedImage:
    """The image in a folder with an OCI layout. Raises as ``open_docker_archive``."""
    return layout_image(name_of(path), lambda name: file_at(path / name), tag, platform, _nothing)


def open_archive(path: Path, tag: str = "", platform: Platform | None = None) -> OpenedImage:
    """Either kind of archive, recognised by what it holds. Raises as ``open_docker_archive``."""
    archive = Archive(path)
    names = archive.names()
    if "manifest.json" in names:
        return saved_image(path, archive, tag)
    if "index.json" in names:
        return _layout_in(path, archive, tag, platform)
    archive.close()
    raise SourceError(f"{path} is an archive but no image", hint=_why_no_image(path, names))


def _why_no_image(path: Path, names: Iterable[str]) -> str:
    """Where the folder of a layout was archived instead of its content: how to archive that."""
    folders = sorted(one.removesuffix("/index.json") for one in names if one.endswith("/index.json"))
    if folders and "/" not in folders[0]:
        return f"it holds the folder {folders[0]}; archive what is in that: tar -C {folders[0]} -cf {path} ."
    if "oci-layout" in names or any(one.startswith("blobs/") for one in names):
        return "it holds no index.json, which names the images of an OCI layout; archive the folder of a whole layout"
    return "it holds neither manifest.json nor index.json"


class Archive:
    """The members of a tar archive by name; a compressed one is unpacked into a file without a name."""

    def __init__(self, path: Path, opened: int | None = None) -> None:
        """``opened`` is the descriptor of a file that has no name; it is closed with the rest.

        Raises:
            SourceError: it cannot be opened, or is damaged.
        """
        self._path = path
        self._closers: list[Callable[[], None]] = []
        try:
            # A named pipe would otherwise wait for a writer.
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
            file = os.open(path, flags) if opened is None else opened
        except OSError as error:
            raise SourceError(f"cannot open {path}: {error.strerror}") from error
        self._closers.append(lambda: os.close(file))
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            self.close()
            what = "a folder" if stat.S_ISDIR(status.st_mode) else "not a file that can be read twice"
            raise SourceError(f"{path} is {what}", hint="name an archive, or a layout as oci:FOLDER")
        self.stamp = file_stamp(status)
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
        if not is_compressed(os.pread(file, HEAD_BYTES, 0)):
            return file, size
        import tempfile  # slow to import, and archives are seldom compressed as a whole

        total = 0
        pieces = bounded(decompressed(region_pieces(file, 0, size)), LARGEST_ARCHIVE)
        try:
            # Without a name nothing is left behind, whatever happens to this process.
            plain = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
            self._closers.append(plain.close)
            for piece in pieces:
                total += plain.write(piece)
            plain.flush()
        except OSError as error:
            self.close()
            raise SourceError(
                f"cannot unpack {self._path}: {(error.strerror or 'no place for it').lower()}",
                hint="unpack it yourself, or name a folder with more room in TMPDIR",
            ) from error
        return plain.fileno(), total

    def _index(self, file: int, size: int) -> Iterator[tuple[str, Member | str]]:
        from leadline.sbom.layers.tar import TarReader  # layouts do without

        reader = TarReader(Region(file, 0, size))
        for count, entry in enumerate(reader):
            if count > MOST_MEMBERS:
                raise Damaged(f"more than {MOST_MEMBERS} members")
            if entry.kind == "file":
                yield entry.path, Member(file, reader.body_start, entry.size, self.stamp)
            elif entry.kind == "symlink":
                yield entry.path, posixpath.join(posixpath.dirname(entry.path), entry.target)
            elif entry.kind == "hardlink":
                yield entry.path, entry.target


def _layout_in(path: Path, archive: Archive, tag: str, platform: Platform | None) -> OpenedImage:
    with ExitStack() as undone:
        undone.callback(archive.close)
        image = layout_image(name_of(path), archive.member, tag, platform, archive.close)
        undone.pop_all()
    return image


def _nothing() -> None:
    """The files of a folder are closed when they are read: there is nothing to close."""


def _called(images: list[_Saved], tag: str, path: Path) -> _Saved:
    if not images:
        raise SourceError(f"{path} holds no image")
    for image in images:
        if tag and any(is_same_name(name, tag) for name in image.repo_tags or ()):
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
    content = small(raw, saved.config)
    config, unread = configuration(content)
    names = saved.layers or []
    check_layers(len(names), str(path))
    diff_ids, mismatch = paired(config.diff_ids, len(names))
    layers: list[Layer] = []
    for diff_id, name in zip(diff_ids, names, strict=True):
        member = archive.member(name)
        if member is None:
            layers.append(RegionLayer(diff_id, -1, 0, 0, missing=f"not in the archive: {name}"))
        else:
            key = f"file {archive.stamp} {member.start}"
            layers.append(RegionLayer(diff_id, member.file, member.start, member.size, key))
    identity = ImageIdentity(
        name_of(path),
        # Writers call the file what they like; the digest of its content is the image.
        id=f"sha256:{sha256(content).hexdigest()}",
        repo_tags=tuple(saved.repo_tags or ()),
        platform=config.platform,
        layers=tuple(diff_ids),
    )
    key = f"file {archive.stamp} {saved.config}"
    close = (archive.close,)
    return OpenedImage(identity, config, tuple(layers), key, unread + mismatch, close)
