"""The SBOM of an image, from memory where it was made before.

A second scan imports no cataloguer and opens no layer: what is cached is kept under the image's
identity, the stamp of each layer where it lies, and a stamp of all code that could have found something else.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from msgspec import DecodeError, Struct, ValidationError, msgpack, structs

from leadline.model.package import Sbom
from leadline.sbom.code_fingerprint import code_fingerprint
from leadline.sbom.image import DEFAULTS, Cache, Image, Options

if TYPE_CHECKING:
    from leadline.sbom.cataloguer import Cataloguer

Cached = TypeVar("Cached", bound=Struct)


class _Contents(Struct, frozen=True, array_like=True):
    """The part of an ``Sbom`` that depends on nothing but the layers and the cataloguers."""

    sbom: Sbom


def make_sbom(
    image: Image,
    offered: "Callable[[Image], Sequence[Cataloguer]]",
    cache: Cache | None = None,
    options: Options = DEFAULTS,
) -> Sbom:
    """What is in ``image``; ``offered`` brings the cataloguers that come with the product, where they are needed.

    Raises:
        SourceError: a layer cannot be fetched.
    """
    started = options.now()
    name = content_key(image) if cache is not None else ""
    keys = [
        f"image {name} {image.identity.kind} {code_fingerprint()} {kept}"
        for kept in options.contents_kept_as
        if name
    ]
    cached = next(filter(None, (load_cached(cache, key, _Contents) for key in keys)), None)
    if cached is None:
        from leadline.sbom.sbom import contents_of

        cached = _Contents(contents_of(image, offered(image), cache, options))
        if keys and not is_incomplete(cached.sbom):
            store_cached(cache, keys[options.place(cached.sbom.packages)], cached)
    sbom = cached.sbom
    configured = image.config.secrets if options.with_credentials else ()
    return structs.replace(
        sbom,
        image=structs.replace(image.identity, size_bytes=sbom.image.size_bytes),
        config=image.config.config,
        files=(*configured, *image.config.added, *sbom.files),
        unread=(*image.unread, *sbom.unread),
        created=options.created,
        seconds=options.now() - started,
    )


def content_key(image: Image) -> str:
    """Names what is in ``image`` as it lies there now; empty where nothing does, or a layer of it is gone.

    A manifest promises what layers hold; whether they still do is for the place to say where they lie.
    """
    if not image.cache_key or any(layer.missing for layer in image.layers):
        return ""
    stamps = [layer.stamp for layer in image.layers]
    return f"{image.cache_key} {image.identity.platform} {stamps}"


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


def is_incomplete(sbom: Sbom) -> bool:
    """Whether a later scan could see more, so that this one must not be cached; of a missing layer ``content_key`` knows."""
    return any(one.reason in ("unreachable", "incomplete") for one in sbom.unread)
