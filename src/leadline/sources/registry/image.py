"""Opens an image that lies in a registry: manifest, configuration, and layers that stream on demand."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from leadline.errors import RegistryError, SourceError, UsageError
from leadline.model.package import ImageIdentity
from leadline.model.unread import Unread
from leadline.packages.reference import Reference
from leadline.sbom.identity.config import ConfigReading, read_config
from leadline.sbom.layers.stream import Damaged
from leadline.sources.oci.layer import OpenedImage, PieceLayer, is_digest, paired
from leadline.sources.oci.manifest import (
    DEEPEST_INDEX,
    Descriptor,
    Manifest,
    Platform,
    check_is_image,
    for_platform,
    layer_problem,
    read_manifest,
)
from leadline.sources.registry.client import Repository, repositories
from leadline.sources.registry.http import UnreachableError
from leadline.sources.registry.options import RegistryOptions

IN_A_FILE = "an image in a file needs no registry: docker save IMAGE -o image.tar"
"""What to do where a registry cannot be reached."""


class Remembers(Protocol):
    """A cache of bytes, as ``image.sbom.Cache``."""

    def get(self, key: str) -> bytes | None: ...
    def put(self, key: str, content: bytes) -> None: ...


def open_registry_image(
    reference: Reference, platform: Platform | None, options: RegistryOptions, cache: Remembers | None
) -> OpenedImage:
    """The image that ``reference`` names; its layers are fetched when they are opened.

    Raises:
        RegistryError: it is not there, not allowed, or not to be trusted.
        UsageError: it is not there for ``platform``.
    """
    failures: list[RegistryError | UsageError] = []
    hosts = tuple(repositories(reference, options))
    for position in range(len(hosts)):
        try:
            return _open(hosts[position:], reference, platform, cache)
        except (RegistryError, UsageError) as error:
            failures.append(error)
    # What the registry itself said, which was asked last, says most.
    *before, last = failures
    if isinstance(last, UnreachableError) and not last.hint:
        last.hint = IN_A_FILE
    if not before:
        raise last
    hints = [last.hint, *(f"a mirror: {error}" for error in before)]
    last.hint = "; ".join(filter(None, hints))
    raise last


def _open(
    hosts: Sequence[Repository], reference: Reference, platform: Platform | None, cache: Remembers | None
) -> OpenedImage:
    manifest, digest = _manifest(hosts[0], reference, platform)
    with _of_registry():
        check_is_image(manifest, reference.full)
    if not is_digest(manifest.config.digest):
        raise RegistryError(f"{reference.full} names a configuration by a digest that cannot be checked")
    config, unread = _config(hosts[0], manifest.config, cache)
    diff_ids, mismatch = paired(config.diff_ids, len(manifest.layers))
    identity = ImageIdentity(
        reference.full,
        id=manifest.config.digest,
        digest=digest,
        repo_tags=(f"{reference.name}:{reference.tag}",) if reference.tag else (),
        platform=config.platform,
        layers=tuple(diff_ids),
    )
    layers = tuple(
        _layer(hosts, one, diff_id) for one, diff_id in zip(manifest.layers, diff_ids, strict=True)
    )
    return OpenedImage(identity, config, layers, f"manifest {digest}", unread + mismatch)


def _manifest(
    repository: Repository, reference: Reference, platform: Platform | None
) -> tuple[Manifest, str]:
    wanted = reference.wanted
    for _ in range(DEEPEST_INDEX):
        content, digest = repository.manifest(wanted)
        with _of_registry():
            manifest = read_manifest(content, f"the manifest of {reference.full}")
        if manifest.manifests is None:
            return manifest, digest
        wanted = for_platform(manifest.manifests, platform, reference.full).digest
        if not is_digest(wanted):
            raise RegistryError(f"the index of {reference.full} names a digest that cannot be checked")
    raise RegistryError(f"{reference.full} nests its indexes too deeply")


@contextmanager
def _of_registry() -> Iterator[None]:
    """A manifest that makes no sense is the registry's fault, and a mirror's no reason to give up."""
    try:
        yield
    except SourceError as error:
        raise RegistryError(str(error.args[0]), hint=error.hint) from error


def _config(
    repository: Repository, descriptor: Descriptor, cache: Remembers | None
) -> tuple[ConfigReading, tuple[Unread, ...]]:
    key = f"config {descriptor.digest}"
    content = cache.get(key) if cache is not None else None
    if content is None:
        content = repository.blob(descriptor)
        if cache is not None:
            cache.put(key, content)
    try:
        return read_config(content), ()
    except Damaged as error:
        return ConfigReading(), (Unread("image configuration", str(error), "malformed"),)


def _layer(hosts: Sequence[Repository], descriptor: Descriptor, diff_id: str) -> PieceLayer:
    digest = descriptor.digest
    problem = layer_problem(descriptor)
    if not is_digest(digest):
        problem = f"its digest cannot be checked: {digest[:80]}"

    def pieces() -> Iterator[bytes]:
        return _pieces(hosts, descriptor)

    return PieceLayer(diff_id, pieces, digest, descriptor.size, problem)


def _pieces(hosts: Sequence[Repository], descriptor: Descriptor) -> Iterator[bytes]:
    """A blob out of the first host that has it: mirrors drop blobs and keep the manifests that name them.

    Raises:
        RegistryError: the registry itself, which comes last, does not give it, or a mirror closed the connection.
    """
    *mirrors, registry = hosts
    for mirror in mirrors:
        pieces = mirror.pieces(descriptor)
        try:
            first = next(pieces, b"")
        except RegistryError:
            continue
        yield first
        yield from pieces
        return
    yield from registry.pieces(descriptor)
