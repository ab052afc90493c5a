"""The SBOM of an image, from memory where it was made before.

A second scan imports no cataloguer and touches no layer: what is cached is kept under the image's
identity and a stamp of all code that could have found something else.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec import DecodeError, Struct, ValidationError, msgpack, structs

from leadline.image.code_fingerprint import code_fingerprint
from leadline.image.image import DEFAULTS, Cache, Image, Options
from leadline.model.package import Sbom

if TYPE_CHECKING:
    from leadline.image.cataloguer import Cataloguer

Cached = TypeVar("Cached", bound=Struct)


class _Contents(Struct, frozen=True, array_like=True):
    """The part of an ``Sbom`` that depends on nothing but the layers and the cataloguers."""

    sbom: Sbom


def make_sbom(
    image: Image,
    offered: "Callable[[], Sequence[Cataloguer]]",
    cache: Cache | None = None,
    options: Options = DEFAULTS,
) -> Sbom:
    """What is in ``image``; ``offered`` brings the cataloguers that come with the product, where they are needed.

    Raises:
        SourceError: a layer cannot be fetched.
    """
    started = options.now()
    is_known = cache is not None and bool(image.cache_key)
    key = (
        f"image {image.cache_key} {image.identity.kind} {code_fingerprint()} {options.kept_as}"
        if is_known
        else ""
    )
    cached = load_cached(cache, key, _Contents)
    if cached is None:
        from leadline.image.sbom import contents_of

        cached = _Contents(contents_of(image, offered(), cache, options))
        if key and not is_incomplete(image, cached.sbom):
            store_cached(cache, key, cached)
    sbom = cached.sbom
    return structs.replace(
        sbom,
        image=structs.replace(image.identity, size_bytes=sbom.image.size_bytes),
        config=image.config.config,
        files=(*image.config.secrets, *sbom.files),
        unread=(*image.unread, *sbom.unread),
        created=options.created,
        seconds=options.now() - started,
    )


def load_cached(cache: Cache | None, key: str, kind: type[Cached]) -> Cached | None:
    """What was cached under ``key``; ``None`` where that is nothing, or nothing that makes sense."""
    content = cache.get(key) if cache is not None and key else None
    if content is None:
        return None
    try:
        return msgpack.decode(content, type=kind)
    except (DecodeError, ValidationError, UnicodeDecodeError):
        return None


def store_cached(cache: Cache | None, key: str, value: Struct) -> None:
    """Keeps ``value`` as it is: unpacking would take longer than reading a few mebibytes."""
    if cache is not None:
        cache.put(key, msgpack.encode(value))


def is_incomplete(image: Image, sbom: Sbom) -> bool:
    """Whether a later scan could see more, so that this one must not be cached."""
    return any(layer.missing for layer in image.layers) or any(
        one.reason in ("unreachable", "incomplete") for one in sbom.unread
    )
