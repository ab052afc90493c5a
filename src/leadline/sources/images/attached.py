"""What is attached to an image in a file: an OCI layout or an archive of one, as ``cosign save``, ``oras`` and ``regctl`` write them."""

from collections.abc import Iterator
from contextlib import ExitStack

import msgspec

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
"""Manifests of one layout."""


def attachments_of_file(file: FileOfImages) -> Attachments:
    """Every blob that is attached to one of the images in a layout or an archive.

    Raises:
        SourceError: it cannot be read, or keeps no manifests, which are what is signed.
        UsageError: there are several images and the tag names none of them.
    """
    path = file.path
    name = name_of(path)
    with ExitStack() as opened:
        find: Find = lambda member: file_at(path / member)  # noqa: E731
        if not path.is_dir():
            archive = Archive(path)
            opened.callback(archive.close)
            find = archive.member
        if find("index.json") is None and find("manifest.json") is not None:
            raise SourceError(
                f"{name} keeps no manifest, and signatures are about manifests",
                hint="save the image as an OCI layout together with them, as cosign save does",
            )
        image = chosen_in(name, find, file.tag)
        return attachments_in(_Layout(name, find), image.digest)


class _Layout:
    """An OCI layout as a place of attachments."""

    def __init__(self, name: str, find: Find) -> None:
        self._name = name
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
                yield one.digest
            elif one.digest != digest:
                content = blob_of(self._find, one.digest, self._name)
                what = f"manifest {one.digest}"
                if content is not None and read_manifest(content, what).subject == digest:
                    yield one.digest
