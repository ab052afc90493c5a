"""Manifests and indexes of images, read from bytes that may hold anything
(https://github.com/opencontainers/image-spec, and Docker's schema 2).
"""

import platform
from collections.abc import Sequence
from typing import TypeVar

from msgspec import DecodeError, Struct, ValidationError, field, json

from leadline.errors import SourceError, UsageError

LARGEST_MANIFEST = 8 << 20
DEEPEST_INDEX = 4

INDEX_TYPES = frozenset(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)
MANIFEST_TYPES = frozenset(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)
_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
    "i686": "386",
}

T = TypeVar("T")


class Platform(Struct, frozen=True):
    os: str = ""
    architecture: str = ""
    variant: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(Struct, frozen=True, rename="camel"):
    digest: str = ""
    size: int = 0
    media_type: str = ""
    platform: Platform | None = None
    annotations: dict[str, str] | None = None
    urls: list[str] | None = None


class Manifest(Struct, frozen=True, rename="camel"):
    """A manifest or an index: ``manifests`` tells them apart."""

    media_type: str = ""
    schema_version: int = 0
    config: Descriptor = Descriptor()
    layers: list[Descriptor] = field(default_factory=list)
    manifests: list[Descriptor] | None = None


def decode(content: bytes, type: type[T], what: str) -> T:
    """``content`` as ``type``.

    Raises:
        SourceError: it is something else; ``what`` names it.
    """
    if len(content) > LARGEST_MANIFEST:
        raise SourceError(f"{what} is larger than {LARGEST_MANIFEST >> 20} MiB")
    try:
        return json.decode(content, type=type)
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError) as error:
        raise SourceError(f"{what} cannot be read: {error}") from error


def host_platform() -> Platform:
    """Linux on this machine's architecture."""
    machine = platform.machine()
    return read_platform(f"linux/{_ARCHITECTURES.get(machine, machine)}")


def read_platform(text: str) -> Platform:
    """``os/architecture[/variant]``; an architecture alone means Linux.

    Raises:
        UsageError: it is no such text.
    """
    parts = text.lower().split("/")
    if len(parts) == 1:
        parts = ["linux", *parts]
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise UsageError(f"not a platform: {text}", hint="write it as linux/arm64 or linux/arm/v7")
    parts[1] = _ARCHITECTURES.get(parts[1], parts[1])
    return read_platform("/".join(parts)) if "/" in parts[1] else Platform(*parts)


def for_platform(manifests: Sequence[Descriptor], wanted: Platform | None, name: str) -> Descriptor:
    """The one of ``manifests`` for ``wanted``; without a wish the host's, or the only one there is.

    Raises:
        UsageError: there is none, or the choice is open. The message lists the platforms.
    """
    images = [one for one in manifests if not _is_attestation(one)]
    if len(images) == 1 and (wanted is None or images[0].platform is None):
        return images[0]
    target = wanted or host_platform()
    for one in images:
        if one.platform is not None and _fits(one.platform, target):
            return one
    offered = ", ".join(str(one.platform) for one in images if one.platform) or "none named"
    raise UsageError(f"{name} is not there for {target}", hint=f"choose one with --platform: {offered}")


def layer_problem(layer: Descriptor) -> str:
    """Why ``layer`` cannot be looked into, whatever its bytes are; empty where it can."""
    kind = layer.media_type
    if "foreign" in kind or "nondistributable" in kind:
        return "a foreign layer: kept elsewhere by its owner's terms, and not part of the stored image"
    if "encrypted" in kind:
        return "an encrypted layer"
    if kind and "tar" not in kind and "rootfs" not in kind:
        return f"no file system but {kind[:100]}"
    return ""


def _fits(offered: Platform, wanted: Platform) -> bool:
    if (offered.os, offered.architecture) != (wanted.os, wanted.architecture):
        return False
    # arm64 is v8 whether it says so or not.
    implied = {"arm64": "v8"}.get(offered.architecture, "")
    return not wanted.variant or (offered.variant or implied) == wanted.variant


def _is_attestation(one: Descriptor) -> bool:
    return bool(one.annotations) and "vnd.docker.reference.type" in (one.annotations or {})
