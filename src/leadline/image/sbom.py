"""Image in, bill of materials out: reads the layers, merges them, walks once, and remembers the result."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

import zstandard
from msgspec import DecodeError, Struct, ValidationError, msgpack, structs

from leadline.image.cataloguer import Cataloguer, Unread
from leadline.image.config import ConfigReading
from leadline.image.distro import DISTRO_PATHS, distro_of_programs, read_distro
from leadline.image.layers import Layer, LayerFacts, Limits, Reader
from leadline.image.ownership import with_owners
from leadline.image.tree import MergedTree, merge
from leadline.image.walk import Reading, catalogue
from leadline.image.wishes import Wishes
from leadline.model.package import ImageFile, ImageIdentity, Package, Sbom

FORM = 1
"""Raised whenever what is remembered changes its shape or meaning."""
LARGEST_REMEMBERED = 1 << 30

Remembered = TypeVar("Remembered", bound=Struct)
Each = Callable[[Callable[[Layer], LayerFacts], Iterable[Layer]], Iterable[LayerFacts]]
"""``map``, or one that works on several layers at once and keeps their order."""


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


class Options(Struct, frozen=True):
    """How an image is catalogued."""

    limits: Limits = Limits()
    each: Each = map
    now: Callable[[], float] = time.monotonic
    created: str = ""
    """RFC 3339, in UTC."""


DEFAULTS = Options()


class _Contents(Struct, frozen=True, array_like=True):
    """The part of an ``Sbom`` that depends on nothing but the layers and the cataloguers."""

    sbom: Sbom


def catalogue_image(
    image: Image, cataloguers: Sequence[Cataloguer], cache: Cache | None = None, options: Options = DEFAULTS
) -> Sbom:
    """The bill of materials of ``image``.

    Raises:
        SourceError: a layer cannot be fetched.
    """
    started = options.now()
    chosen = chosen_for(image, cataloguers)
    version = _version(chosen)
    key = f"image {image.cache_key} {version}" if image.cache_key else ""
    contents = _recall(cache, key, _Contents)
    if contents is None:
        contents = _Contents(_catalogue(image, chosen, cache, options))
        if key and not _has_gaps(image, contents.sbom):
            _remember(cache, key, contents)
    sbom = contents.sbom
    identity = structs.replace(image.identity, size_bytes=sbom.image.size_bytes)
    return structs.replace(
        sbom,
        image=identity,
        config=image.config.config,
        files=(*image.config.secrets, *sbom.files),
        unread=(*image.unread, *sbom.unread),
        created=options.created,
        seconds=options.now() - started,
    )


def chosen_for(image: Image, cataloguers: Sequence[Cataloguer]) -> tuple[Cataloguer, ...]:
    """Those of ``cataloguers`` that make sense for ``image``: lock files tell what a project wants, not what an image has."""
    return tuple(one for one in cataloguers if image.identity.kind == "directory" or not one.lock)


def _catalogue(
    image: Image, cataloguers: tuple[Cataloguer, ...], cache: Cache | None, options: Options
) -> Sbom:
    reader = Reader(Wishes(cataloguers, DISTRO_PATHS), options.limits)
    version = _version(cataloguers)

    def facts_of(layer: Layer) -> LayerFacts:
        key = f"layer {layer.cache_key} {version}" if layer.cache_key else ""
        facts = _recall(cache, key, LayerFacts)
        if facts is None:
            facts = reader.facts_of(layer)
            if key and facts.is_whole:
                _remember(cache, key, facts)
        return facts

    layers = list(image.layers)
    # The largest first: with several at once nobody then waits for a large one that began last.
    order = sorted(range(len(layers)), key=lambda i: -layers[i].size_bytes)
    found = dict(zip(order, options.each(facts_of, [layers[i] for i in order]), strict=True))
    facts = [(layers[i].diff_id, found[i]) for i in range(len(layers))]
    tree = merge(facts)
    tree.distro = read_distro(tree)
    unread = [one for _, layer in facts for one in layer.unread]
    reading = _read_tree(tree, reader)
    packages = tuple(sorted(with_owners(reading.packages, tree), key=_order))
    return Sbom(
        ImageIdentity(image.identity.name, size_bytes=sum(layer.size_bytes for _, layer in facts)),
        packages,
        tree.distro if tree.distro.id else distro_of_programs(packages),
        files=tuple(_notable(tree)),
        unread=tuple(unread) + reading.unread,
    )


def _read_tree(tree: MergedTree, reader: Reader) -> Reading:
    """What single files told while their layer was read, and what readers of the whole tree say now."""
    packages: list[Package] = []
    unread: list[Unread] = []
    for one in tree.standing():
        packages += [
            package if package.layer else structs.replace(package, layer=one.layer)
            for package in one.facts.packages
        ]
        unread += one.facts.unread
    cataloguers = reader.wishes.cataloguers
    whole = catalogue(tree, [one for one in cataloguers if one.takes_tree])
    unread += _lost_behind_links(tree, reader.wishes)
    return Reading((*packages, *whole.packages), (*unread, *whole.unread))


def _lost_behind_links(tree: MergedTree, wishes: Wishes) -> Iterable[Unread]:
    """Files that a cataloguer asked for by path, and that are links to a file which nobody kept."""
    for path in wishes.paths():
        real = tree.resolve(path)
        if real and real != path and wishes.of(real) is None and tree.is_file(real):
            yield Unread(path, f"leads to {real}, which was not read")


def _notable(tree: MergedTree) -> Iterable[ImageFile]:
    for one in sorted(tree.standing(), key=lambda one: one.path):
        mode = one.facts.mode
        if mode & 0o4000:
            yield ImageFile(one.path, "setuid", mode=mode, layer=one.layer)
        elif mode & 0o2000:
            yield ImageFile(one.path, "setgid", mode=mode, layer=one.layer)
        for secret in one.facts.secrets:
            yield ImageFile(one.path, "secret", secret, mode, one.layer)


def _order(package: Package) -> tuple[str, str, str, str, tuple[str, ...]]:
    return package.type, package.namespace, package.name, package.version, package.found_in


def _has_gaps(image: Image, sbom: Sbom) -> bool:
    """Whether a later scan could see more, so that this one must not be remembered."""
    return any(layer.missing for layer in image.layers) or any(
        one.where.startswith("layer ") for one in sbom.unread
    )


def _version(cataloguers: Sequence[Cataloguer]) -> str:
    return f"{FORM} " + " ".join(f"{one.name}:{one.version}" for one in cataloguers)


def _recall(cache: Cache | None, key: str, type: type[Remembered]) -> Remembered | None:
    content = cache.get(key) if cache and key else None
    if content is None:
        return None
    try:
        plain = zstandard.ZstdDecompressor().decompress(content, max_output_size=LARGEST_REMEMBERED)
        return msgpack.decode(plain, type=type)
    except (zstandard.ZstdError, DecodeError, ValidationError):
        return None


def _remember(cache: Cache | None, key: str, value: Struct) -> None:
    if cache is not None:
        cache.put(key, zstandard.ZstdCompressor(3).compress(msgpack.encode(value)))
