"""From what a user calls an image to the image: schemes, and plain paths by what lies there."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.sources.images.archive import (
    open_archive,
    open_docker_archive,
    open_oci_archive,
    open_oci_layout,
)
from leadline.sources.images.cache import LayerCache
from leadline.sources.oci.layer import OpenedImage
from leadline.sources.oci.manifest import Platform, read_platform
from leadline.sources.registry.options import RegistryOptions

if TYPE_CHECKING:
    from leadline.packages.reference import Reference


SCHEMES = {
    "docker-archive": "FILE",
    "oci-archive": "FILE",
    "oci": "FOLDER",
    "oci-dir": "FOLDER",
    "dir": "FOLDER",
    "containerd": "NAME",
    "docker": "NAME",
    "podman": "NAME",
    "registry": "NAME",
}


class ImageOptions(Struct, frozen=True):
    """What may be said about where an image comes from."""

    platform: str = ""
    """``os/architecture[/variant]``; empty means Linux on this machine's architecture."""
    registry: RegistryOptions = RegistryOptions()
    cache: LayerCache | None = None
    """Also remembers the configurations of images in registries."""


def open_image(reference: str, options: ImageOptions) -> OpenedImage:
    """The image that ``reference`` names; the caller closes it.

    Schemes force a source: ``docker-archive:``, ``oci-archive:``, ``oci:``, ``dir:``, ``registry:``,
    ``containerd:``, ``docker:``, ``podman:``. Without one, what exists as a path is recognised by its content,
    and all else is looked for in a registry.

    Raises:
        UsageError: there is a choice to make, or the scheme is unknown.
        SourceError: it cannot be opened.
    """
    platform = read_platform(options.platform) if options.platform else None
    scheme, colon, rest = reference.partition(":")
    forced = _by_scheme(scheme, rest, platform, options) if colon else None
    if forced is not None:
        return forced
    path, tag = _path_and_tag(reference)
    if os.path.isdir(path):  # noqa: PTH112 - a name may be too long for a path
        return _open_folder(path, tag, platform)
    if os.path.isfile(path):  # noqa: PTH113
        return open_archive(path, tag, platform)
    refuse_missing_file(reference)
    return _open_registry(reference, platform, options)


def refuse_missing_file(reference: str) -> None:
    """Raises: ``SourceError`` where ``reference``, of which no file is there, is a path and no name in a registry."""
    if reference.startswith(("/", "./", "../")) or reference.endswith((".tar", ".tar.gz", ".tgz")):
        raise SourceError(
            f"there is no {reference}", hint="name an archive, an OCI layout, a folder or an image"
        )


class FileOfImages(Struct, frozen=True):
    """A layout or an archive, and which of its images is meant."""

    path: Path
    tag: str = ""


def file_of_images(reference: str) -> FileOfImages | None:
    """The layout or archive that ``reference`` names, as ``open_image`` takes it; ``None`` for all else."""
    scheme, colon, rest = reference.partition(":")
    if colon and scheme in ("oci", "oci-dir", "oci-archive", "docker-archive"):
        return FileOfImages(*_path_and_tag(rest))
    if scheme in SCHEMES:
        return None
    path, tag = _path_and_tag(reference)
    return FileOfImages(path, tag) if os.path.exists(path) else None  # noqa: PTH110 - as above


def _by_scheme(
    scheme: str, rest: str, platform: Platform | None, options: ImageOptions
) -> OpenedImage | None:
    """``None`` where ``scheme`` is none."""
    if not rest and scheme in SCHEMES:
        # Nothing means the folder we are in, which is never meant.
        raise UsageError(
            f"{scheme}: names nothing", hint=f"write what to read behind it, as {scheme}:{SCHEMES[scheme]}"
        )
    is_address = rest.startswith("//") and (scheme in SCHEMES or scheme in ("http", "https"))
    if is_address and not os.path.exists(rest):  # noqa: PTH110
        raise UsageError(
            f"{scheme}:// is not a known prefix of an image reference",
            hint=f"for one in a registry leave {scheme}:// out",
        )
    match scheme:
        case "docker-archive":
            return open_docker_archive(*_path_and_tag(rest))
        case "oci-archive":
            return open_oci_archive(*_path_and_tag(rest), platform)
        case "oci" | "oci-dir":
            return open_oci_layout(*_path_and_tag(rest), platform)
        case "dir":
            return _open_folder_itself(Path(rest))
        case "containerd":
            # HTTP/2 takes a while to import, and no other source needs it.
            from leadline.sources.images.containerd import open_containerd_image

            return open_containerd_image(_reference(rest), platform)
        case "docker" | "podman":
            from leadline.sources.images.docker import open_daemon_image, sockets

            return open_daemon_image(rest, sockets(options.registry.environ, scheme))
        case "registry":
            return _open_registry(rest, platform, options)
    return None


def _path_and_tag(text: str) -> tuple[Path, str]:
    """``path[:tag]``, where the path itself may hold colons."""
    if os.path.exists(text):  # noqa: PTH110 - a text with a zero byte must not raise
        return Path(text), ""
    end = len(text)
    while (end := text.rfind(":", 0, end)) > 0:
        if Path(text[:end]).exists():
            return Path(text[:end]), text[end + 1 :]
    return Path(text), ""


def _open_folder(path: Path, tag: str, platform: Platform | None) -> OpenedImage:
    if (path / "oci-layout").is_file() or (path / "blobs/sha256").is_dir():
        return open_oci_layout(path, tag, platform)
    return _open_folder_itself(path)


def _open_folder_itself(path: Path) -> OpenedImage:
    from leadline.sources.images.directory import open_image_folder  # images do without

    return open_image_folder(path)


def _open_registry(text: str, platform: Platform | None, options: ImageOptions) -> OpenedImage:
    # The client of registries takes a while to import, and an archive does without.
    from leadline.sources.registry.image import open_registry_image

    return open_registry_image(_reference(text), platform, options.registry, options.cache)


def _reference(text: str) -> "Reference":
    from leadline.packages.reference import read_reference  # as above

    reference = read_reference(text)
    if reference is None:
        raise UsageError(f"not an image: {text[:200]}", hint="write it as registry/repository:tag")
    return reference
