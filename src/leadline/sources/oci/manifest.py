"""Manifests and indexes of images, read from bytes that may hold anything
(https://github.com/opencontainers/image-spec, and Docker's schema 2).
"""

from collections.abc import Sequence
from typing import TypeVar

from msgspec import DecodeError, Struct, ValidationError, json

from leadline.errors import SourceError, UsageError
from leadline.foreign_errors import in_words
from leadline.packages.late_pattern import late_pattern

LARGEST_MANIFEST = 8 << 20
DEEPEST_INDEX = 4
MOST_NAMED = 5
MOST_LAYERS = 2000
"""Engines end at 127 or 500; a hostile manifest has room for eighty thousand, each to be fetched."""

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
CONFIG_TYPES = frozenset(
    (
        "application/vnd.oci.image.config.v1+json",
        "application/vnd.docker.container.image.v1+json",
        "application/octet-stream",  # as Docker once pushed them
    )
)
_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm/v7",
    "armv6l": "arm/v6",
    "i686": "386",
}

_VARIANT = late_pattern(r"v\d[\d.]*")

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
    artifact_type: str | None = None
    """Of a manifest of something else than an image."""


class Manifest(Struct, frozen=True):
    """A manifest or an index: ``manifests`` distinguishes them."""

    schema_version: int = 0
    config: Descriptor = Descriptor()
    layers: list[Descriptor] = []
    manifests: list[Descriptor] | None = None
    subject: str = ""
    """The digest of the image that this is attached to; empty for an image."""


class _Written(Struct, frozen=True, rename="camel"):
    """As it is there; Go writes null for a list without elements."""

    media_type: str | None = None
    schema_version: int = 0
    config: Descriptor | None = None
    layers: list[Descriptor] | None = None
    manifests: list[Descriptor] | None = None
    subject: Descriptor | None = None


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
        raise SourceError(f"{what} cannot be read: {in_words(error)}") from error


def read_manifest(content: bytes, what: str) -> Manifest:
    """The manifest or index in ``content``.

    Raises:
        SourceError: it is something else, or both at once.
    """
    found = decode(content, _Written, what)
    says_index, says_image = (found.media_type in types for types in (INDEX_TYPES, MANIFEST_TYPES))
    is_index = says_index or found.manifests is not None
    is_image = says_image or found.config is not None or bool(found.layers)
    if is_index and is_image:
        # Others would read the other half, and run what was not looked at.
        raise SourceError(
            f"{what} is an index and an image at once", hint="container engines refuse it: build it again"
        )
    manifests = found.manifests or [] if is_index else None
    subject = found.subject.digest if found.subject else ""
    return Manifest(
        found.schema_version, found.config or Descriptor(), found.layers or [], manifests, subject
    )


def check_is_image(manifest: Manifest, name: str) -> None:
    """Raises ``SourceError`` where ``manifest`` is that of something else, such as a chart or a signature."""
    if manifest.schema_version == 1:
        raise SourceError(
            f"{name} has a manifest of the retired schema 1", hint="push it again with a current tool"
        )
    if not manifest.config.digest:
        raise SourceError(f"{name} is not an image: its manifest names no configuration")
    kind = manifest.config.media_type
    if kind and kind not in CONFIG_TYPES:
        raise SourceError(f"{name} is not an image but {kind[:100]}")
    check_layers(len(manifest.layers), name)


def check_layers(count: int, name: str) -> None:
    """Raises ``SourceError`` where there are more layers than any engine runs."""
    if count > MOST_LAYERS:
        raise SourceError(f"{name} has {count:,} layers", hint=f"no engine runs more than {MOST_LAYERS:,}")


def host_platform() -> Platform:
    """Linux on this machine's architecture."""
    import platform  # compiles patterns for every system, and one image of several is chosen by it alone

    machine = platform.machine()
    return read_platform(f"linux/{_ARCHITECTURES.get(machine, machine)}")


def read_platform(text: str) -> Platform:
    """``os/architecture[/variant]``; an architecture alone means Linux.

    Raises:
        UsageError: it is written otherwise.
    """
    parts = text.lower().split("/")
    if len(parts) == 1 or (len(parts) == 2 and _VARIANT.fullmatch(parts[1])):
        parts = ["linux", *parts]
    if not 2 <= len(parts) <= 3 or not all(parts):
        raise UsageError(f"not a platform: {text}", hint="write it as linux/arm64 or linux/arm/v7")
    parts[1] = _ARCHITECTURES.get(parts[1], parts[1])
    return read_platform("/".join(parts)) if "/" in parts[1] else Platform(*parts)


def for_platform(manifests: Sequence[Descriptor], wanted: Platform | None, name: str) -> Descriptor:
    """The one of ``manifests`` for ``wanted``; without a choice the host's, or the only one there is.

    Raises:
        UsageError: there is none, or the choice is open. The message lists the platforms.
    """
    images = [one for one in manifests if not _is_attestation(one)]
    if len(images) == 1 and (wanted is None or images[0].platform is None):
        return images[0]
    target = wanted or host_platform()
    fitting = [one for one in images if one.platform is not None and _fits(one.platform, target)]
    if fitting:
        # Several may fit a choice without a variant: the plain one runs on every machine.
        return min(
            fitting, key=lambda one: one.platform is not None and one.platform.variant != target.variant
        )
    offered = ", ".join(
        dict.fromkeys(str(one.platform) for one in images if one.platform and str(one.platform))
    )
    hint = f"choose one with --platform: {offered}"
    if not offered:
        digests = ", ".join(one.digest for one in images[:MOST_NAMED])
        hint = (
            f"no platforms are named, choose one by its digest: {digests}" if images else "it lists no image"
        )
    raise UsageError(f"{name} is not there for {target}", hint=hint)


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
