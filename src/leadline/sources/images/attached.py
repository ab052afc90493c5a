"""What is attached to an image in a file: an OCI layout or an archive of one, as ``cosign save``, ``oras`` and ``regctl`` write them."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec
from msgspec.structs import replace

from leadline.errors import SourceError
from leadline.sources.images.archive import Archive
from leadline.sources.images.oci_layout import (
    SAVED_BY_COSIGN,
    Find,
    blob_of,
    chosen_in,
    file_at,
    index_of,
    tag_of,
)
from leadline.sources.images.resolve import FileOfImages
from leadline.sources.oci.attached import Attachments, attachments_in
from leadline.sources.oci.layer import name_of
from leadline.sources.oci.manifest import Descriptor, read_manifest

_MOST_LOOKED_AT = 1_000
"""Manifests of one layout, and small blobs that may be some."""
_LARGEST_UNLISTED = 64 << 10
"""Bytes of a manifest that no index lists."""
_BLOBS = "blobs/sha256/"


def attachments_of_file(file: FileOfImages) -> Attachments:
    """Every blob that is attached to one of the images in a layout or an archive.

    Raises:
        SourceError: it cannot be read, or does not keep the manifest, which is what is signed, or another in its place.
        UsageError: there are several images and the tag names none of them.
    """
    path = file.path
    name = name_of(path)
    with ExitStack() as opened:
        find: Find = lambda member: file_at(path / member)  # noqa: E731
        names: Iterable[str]
        if path.is_dir():
            names = _blobs_in(path)
        else:
            archive = Archive(path)
            opened.callback(archive.close)
            find, names = archive.member, archive.names()
        if find("index.json") is None and find("manifest.json") is not None:
            raise SourceError(
                f"{name} keeps no manifest, and signatures are about manifests",
                hint="save the image as an OCI layout together with them, as cosign save does",
            )
        image = chosen_in(name, find, file.tag)
        # Signatures are about its digest: of what else is there under that name they say nothing.
        if blob_of(find, image.digest, name) is None:
            raise SourceError(f"{name} holds no blob {image.digest}, which its index names as the image")
        blobs = sorted(f"sha256:{one.removeprefix(_BLOBS)}" for one in names if one.startswith(_BLOBS))
        layout = _Layout(name, find, blobs)
        attached = attachments_in(layout, image.digest)
        return replace(attached, gap=layout.gap)


def _blobs_in(folder: Path) -> list[str]:
    try:
        return [f"{_BLOBS}{one.name}" for one in (folder / _BLOBS).iterdir()]
    except OSError:
        return []  # what reads them says why


class _Layout:
    """An OCI layout as a place of attachments."""

    def __init__(self, name: str, find: Find, blobs: Iterable[str]) -> None:
        """``blobs``: the digests of all, by their names."""
        self.gap = ""
        self._name = name
        self._blobs = blobs
        self._find = find
        self._manifests = (index_of(name, find).manifests or [])[:_MOST_LOOKED_AT]

    def manifest(self, wanted: str) -> bytes | None:
        digest = (
            wanted
            if ":" in wanted
            else next((one.digest for one in self._manifests if tag_of(one) == wanted), "")
        )
        return blob_of(self._find, digest, self._name) if digest else None

    def referrers(self, digest: str) -> bytes | None:
        found = list(self._referring(digest))
        return msgspec.json.encode({"manifests": [{"digest": one} for one in found]}) if found else None

    def blob(self, descriptor: Descriptor) -> bytes | None:
        return blob_of(self._find, descriptor.digest, self._name)

    def _referring(self, digest: str) -> Iterator[str]:
        for one in self._manifests:
            if (one.annotations or {}).get("kind") in SAVED_BY_COSIGN:
                if blob_of(self._find, one.digest, self._name) is None:
                    self.gap = f"{self._name} holds no blob {one.digest}, in which its index says that signatures are"
                yield one.digest
            elif one.digest != digest:
                content = blob_of(self._find, one.digest, self._name)
                what = f"manifest {one.digest}"
                if content is not None and read_manifest(content, what).subject == digest:
                    yield one.digest
        yield from self._unlisted(digest)

    def _unlisted(self, digest: str) -> Iterator[str]:
        """``cosign save`` of version 3 puts bundles into a layout and leaves their manifests out of its index."""
        listed = {one.digest for one in self._manifests}
        left = _MOST_LOOKED_AT
        for one in self._blobs:
            # What is damaged, or no file, signs nothing.
            with suppress(SourceError):
                stored = self._find(one.replace("sha256:", _BLOBS)) if one not in listed else None
                if stored is None or stored.size > _LARGEST_UNLISTED:
                    continue
                if not left:
                    self.gap = (
                        f"of the blobs of {self._name} that no index lists {_MOST_LOOKED_AT:,} were looked at"
                    )
                    return
                left -= 1
                content = blob_of(self._find, one, self._name) or b""
                if digest.encode() in content and read_manifest(content, one).subject == digest:
                    yield one
