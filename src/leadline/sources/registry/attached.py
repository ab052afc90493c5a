"""What is attached to an image in its registry: signatures and attestations, by tags and by referrers.

Sources: https://github.com/sigstore/cosign/blob/main/specs/SIGNATURE_SPEC.md,
https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers
"""

from collections.abc import Iterator

from msgspec import Struct

from leadline.packages.reference import Reference
from leadline.signatures.trust import Blob
from leadline.sources.oci.layer import is_digest
from leadline.sources.oci.manifest import Descriptor, Manifest, decode, read_manifest
from leadline.sources.registry.client import MissingError, Repository, repositories
from leadline.sources.registry.options import RegistryOptions

MOST_ATTACHED = 100
"""Manifests, and layers of each. More are not looked at, and no image needs so many."""
_TAGS = (".sig", ".att")


class _Index(Struct, frozen=True):
    manifests: list[Descriptor] | None = None


class Attachments(Struct, frozen=True):
    """What was found."""

    digest: str
    """Of what the name leads to."""
    blobs: tuple[Blob, ...]


def attachments_of(reference: Reference, options: RegistryOptions) -> Attachments:
    """Every blob that is attached to what ``reference`` names.

    Raises: ``RegistryError`` where the registry does not say, so that nothing is taken for unsigned that was not looked at.
    """
    # A mirror need not have what is attached: the registry itself is asked.
    *_, repository = repositories(reference, options)
    _, digest = repository.manifest(reference.wanted)
    found: dict[str, Blob] = {}
    for where, name in (*_by_tags(digest), *_by_referrers(repository, digest)):
        try:
            content, _ = repository.manifest(name)
        except MissingError:
            continue
        manifest = read_manifest(content, f"the manifest {where}")
        for blob in _blobs(repository, manifest, where):
            found.setdefault(
                f"{blob.media_type} {hash(blob.content)} {sorted(blob.annotations.items())}", blob
            )
    return Attachments(digest, tuple(found.values()))


def _by_tags(digest: str) -> Iterator[tuple[str, str]]:
    for ending in _TAGS:
        name = f"{digest.replace(':', '-')}{ending}"
        yield name, name


def _by_referrers(repository: Repository, digest: str) -> Iterator[tuple[str, str]]:
    """By the registry's list; where it keeps none, by the tag that replaces it."""
    try:
        content = repository.referrers(digest)
    except MissingError:
        try:
            content, _ = repository.manifest(digest.replace(":", "-"))
        except MissingError:
            return
    index = decode(content, _Index, "the list of referrers")
    for one in (index.manifests or [])[:MOST_ATTACHED]:
        if is_digest(one.digest):
            yield f"referrer {one.digest[:19]}", one.digest


def _blobs(repository: Repository, manifest: Manifest, where: str) -> Iterator[Blob]:
    for layer in manifest.layers[:MOST_ATTACHED]:
        try:
            content = repository.blob(layer) if is_digest(layer.digest) else b""
        except MissingError:
            content = b""
        yield Blob(where, layer.media_type, layer.annotations or {}, content)
