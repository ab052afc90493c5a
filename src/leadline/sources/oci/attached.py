"""What is attached to an image where it is kept, a registry or an OCI layout: signatures and attestations, by tags and by referrers.

Sources: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md,
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
"""

from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from leadline.signatures.trust import Blob
from leadline.sources.oci.layer import is_digest
from leadline.sources.oci.manifest import Descriptor, Manifest, decode, read_manifest

MOST_ATTACHED = 100
"""Manifests, and layers of each. More are not looked at, and no image needs so many."""
_TAGS = (".sig", ".att")


class Place(Protocol):
    """Where images and what is attached to them are kept. Every question raises ``SourceError`` where it cannot be answered."""

    def manifest(self, wanted: str) -> bytes | None:
        """The manifest or index called ``wanted``, a tag or digest; ``None`` where there is none."""

    def referrers(self, digest: str) -> bytes | None:
        """The index of what refers to ``digest``, as JSON; ``None`` where none is kept."""

    def blob(self, descriptor: Descriptor) -> bytes | None:
        """A small blob, digest checked; ``None`` where it is not there."""


class Attachments(Struct, frozen=True):
    """What was found."""

    digest: str
    """Of what the name leads to."""
    blobs: tuple[Blob, ...]
    gap: str = ""
    """What was not looked at, or is missing; empty where all was."""


def attachments_in(place: Place, digest: str) -> Attachments:
    """Every blob that is attached to the image or index of that digest.

    Raises: ``SourceError`` where the place does not say, so that nothing is taken for unsigned that was not looked at.
    """
    found: dict[str, Blob] = {}
    for where, name in (*_by_tags(digest), *_by_referrers(place, digest)):
        content = place.manifest(name)
        if content is None:
            continue
        manifest = read_manifest(content, f"the manifest {where}")
        for blob in _blobs(place, manifest, where):
            found.setdefault(
                f"{blob.media_type} {hash(blob.content)} {sorted(blob.annotations.items())}", blob
            )
    return Attachments(digest, tuple(found.values()))


class _Index(Struct, frozen=True):
    manifests: list[Descriptor] | None = None


def _by_tags(digest: str) -> Iterator[tuple[str, str]]:
    for ending in _TAGS:
        name = f"{digest.replace(':', '-')}{ending}"
        yield name, name


def _by_referrers(place: Place, digest: str) -> Iterator[tuple[str, str]]:
    """By the place's list; where it keeps none, by the tag that replaces it."""
    content = place.referrers(digest)
    if content is None:
        content = place.manifest(digest.replace(":", "-"))
    if content is None:
        return
    index = decode(content, _Index, "the list of referrers")
    for one in (index.manifests or [])[:MOST_ATTACHED]:
        if is_digest(one.digest):
            yield f"referrer {one.digest[:19]}", one.digest


def _blobs(place: Place, manifest: Manifest, where: str) -> Iterator[Blob]:
    for layer in manifest.layers[:MOST_ATTACHED]:
        content = place.blob(layer) if is_digest(layer.digest) else None
        yield Blob(where, layer.media_type, layer.annotations or {}, content or b"")
