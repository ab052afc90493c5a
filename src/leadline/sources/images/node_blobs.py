"""Images that a node pulled, out of the folder of its containerd's blobs alone.

The folder is readable by everyone on the node (measured with containerd 1.6: folders 0755, blobs 0444), so that a pod
needs neither root nor containerd's socket, which steers the whole node. What has no name here is found by its digest.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from leadline.errors import SourceError
from leadline.sources.images.oci_layout import FileAt, Stored, file_at, small, stored_image
from leadline.sources.oci.layer import OpenedImage, is_digest
from leadline.sources.oci.manifest import Descriptor, Platform, read_manifest

LARGEST_LOOKED_INTO = 256 << 10
"""Manifests of images with hundreds of layers have a quarter of it."""
MOST_LOOKED_INTO = 20_000
_MARK = b'"layers"'


def open_node_image(
    blobs: Path, digest: str, name: str, platform: Platform | None, *, is_id: bool = False
) -> OpenedImage:
    """The image of the manifest or index ``digest``, called ``name``; with ``is_id`` of the configuration ``digest``.

    ``blobs``: ``/var/lib/containerd/io.containerd.content.v1.content/blobs``. The caller closes it.

    Raises:
        SourceError: it is not here, or not whole: a node may throw layers away once it has unpacked them.
    """
    if not is_digest(digest):
        raise SourceError(f"no blob can have the digest {digest[:80]}")
    if not blobs.is_dir():
        raise SourceError(
            f"the node's images are not at {blobs}", hint="mount the folder of containerd's blobs"
        )
    of_manifest = _manifest_of(blobs, digest) if is_id else digest
    if not of_manifest or _find(blobs, of_manifest) is None:
        raise SourceError(f"the node's containerd has no {name}")
    image = stored_image(name, lambda one: _find(blobs, one), Descriptor(of_manifest), platform, _nothing)
    missing = next((layer.missing for layer in image.layers if layer.missing), "")
    if missing:
        raise SourceError(
            f"the node's containerd has not all of {name}: {missing}",
            hint="discard_unpacked_layers = false in its settings makes it keep layers",
        )
    return image


def _find(blobs: Path, digest: str) -> Stored | None:
    algorithm, _, value = digest.partition(":")
    return file_at(blobs / algorithm / value)


def _manifest_of(blobs: Path, id: str) -> str:
    """The digest of a manifest whose configuration is ``id``; empty where there is none."""
    wanted = id.encode()
    for path, size in _small_files(blobs / "sha256"):
        content = small(FileAt(path, size, ""), path.name)
        if wanted not in content or _MARK not in content:
            continue
        try:
            if read_manifest(content, path.name).config.digest == id:
                return f"sha256:{path.name}"
        except SourceError:
            continue
    return ""


def _small_files(folder: Path) -> Iterator[tuple[Path, int]]:
    looked = 0
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                status = entry.stat(follow_symlinks=False)
                if not entry.is_file(follow_symlinks=False) or status.st_size > LARGEST_LOOKED_INTO:
                    continue
                looked += 1
                if looked > MOST_LOOKED_INTO:
                    return
                yield Path(entry.path), status.st_size
    except OSError as error:
        raise SourceError(f"cannot read {folder}: {error.strerror}") from error


def _nothing() -> None:
    """Every reading has its own file: there is nothing to close."""
