"""An image as a source offers it, and how it is to be catalogued. Quick to import: a second scan needs little else."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from leadline.model.package import ImageIdentity, Package
from leadline.model.unread import Unread
from leadline.sbom.identity.config import ConfigReading

if TYPE_CHECKING:
    from leadline.sbom.layers.tar import EntryReader

Each = Callable[[Callable[["Layer"], Any], Iterable["Layer"]], Iterator[Any]]
"""``map``, or one that works on several layers at once and keeps their order."""


class Layer(Protocol):
    """One layer as a source offers it."""

    @property
    def diff_id(self) -> str:
        """``sha256:…`` of the uncompressed archive, as the image's configuration claims."""

    @property
    def cache_key(self) -> str:
        """Names the content beyond doubt; empty where nothing does."""

    @property
    def stamp(self) -> str:
        """Changes when the place where it lies is written to; empty where that place vouches for the content."""

    @property
    def size_bytes(self) -> int:
        """As stored; decides only which layer is read first."""

    @property
    def missing(self) -> str:
        """Why it cannot be read at all; empty where it can."""

    def open(self) -> "AbstractContextManager[EntryReader]":
        """Its entries, from the start.

        Raises:
            SourceError: it cannot be fetched.
        """


class Image(Protocol):
    """An image or folder as a source offers it."""

    @property
    def identity(self) -> ImageIdentity:
        """Its names and digests."""

    @property
    def config(self) -> ConfigReading:
        """How it runs."""

    @property
    def layers(self) -> Sequence[Layer]:
        """Bottom first."""

    @property
    def unread(self) -> Sequence[Unread]:
        """What the source could not read."""

    @property
    def cache_key(self) -> str:
        """Names the content of all layers beyond doubt; empty where nothing does."""

    def close(self) -> None:
        """Lets go of files and connections."""


class Cache(Protocol):
    """Remembers bytes by key; may forget any of them."""

    def get(self, key: str) -> bytes | None:
        """What was put under ``key``, unharmed; ``None`` where it is not there any longer."""

    def put(self, key: str, content: bytes) -> None:
        """Remembers ``content``; never fails."""


def layer_name(layer: Layer) -> str:
    """What a report calls it; a folder is the only layer that has no name."""
    name = layer.diff_id or layer.cache_key
    return f"layer {name}" if name else "folder"


class Limits(Struct, frozen=True):
    """What no honest image reaches."""

    entries: int = 3_000_000
    """Of one layer."""
    all_entries: int = 6_000_000
    """Of all layers together."""
    file_bytes: int = 512 << 20
    """A file larger than this is not looked into."""
    kept_file_bytes: int = 256 << 20
    kept_bytes: int = 1 << 30
    """All kept files of one layer."""
    all_kept_bytes: int = 3 << 30
    """Those of all layers together."""
    packages: int = 300_000
    """Of all layers together; each takes some 4 KiB."""
    layers: int = 1000
    """Twice as many as the file system of Linux lays over one another."""


class Options(Struct, frozen=True):
    """How an image is catalogued."""

    limits: Limits = Limits()
    each: Each = map
    now: Callable[[], float] = time.monotonic
    created: str = ""
    """RFC 3339, in UTC."""
    with_digests: bool = False
    """Whether the checksums of the files are wanted in which packages are found."""

    with_code: bool = False
    """Whether packages keep the paths of all of their code, so that it can be said which of them were loaded."""
    with_archive_sums: bool = True
    """Whether packages of Java have the checksums of their archives, which documents alone state."""
    with_credentials: bool = True
    """Whether files and the configuration are searched for credentials."""

    @property
    def kept_as(self) -> tuple[str, ...]:
        """The part of a cache's key that these options have a say in; of what serves as well where it is there, the second."""
        kept = f"{self.limits} with digests" if self.with_digests else str(self.limits)
        if not self.with_credentials:
            kept += " without credentials"
        return (kept,) if self.with_archive_sums else (f"{kept} without archive sums", kept)

    @property
    def contents_kept_as(self) -> tuple[str, ...]:
        """Likewise of the key of all layers together."""
        return tuple(f"{one} with code" if self.with_code else one for one in self.kept_as)

    def place(self, packages: Iterable[Package]) -> int:
        """Under which of ``kept_as`` what has these ``packages`` is kept: without archives there is nothing to sum."""
        return 0 if any(one.type == "maven" for one in packages) else -1


DEFAULTS = Options()
