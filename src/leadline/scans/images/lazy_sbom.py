"""The SBOM of one scan, made when it is first needed. A document that was made before is taken from the cache."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct, json
from msgspec.structs import replace

import leadline.outputs
import leadline.posture
from leadline.errors import SourceError, UsageError
from leadline.model.package import Sbom
from leadline.model.unread import Unread
from leadline.outputs.documents.document_template import Draft, MakeDraft
from leadline.sbom.code_fingerprint import code_fingerprint
from leadline.sbom.image import Each, Image, Layer
from leadline.sbom.image import Options as CatalogueOptions
from leadline.sbom.sbom_cache import content_key, is_incomplete, load_cached, make_sbom, store_cached
from leadline.scans.images.open_image import open_requested
from leadline.scans.images.sbom_input import read_sbom_input, sbom_input
from leadline.scans.options import ImageOptions
from leadline.sources.images.cache import LayerCache
from leadline.sources.oci.layer import OpenedImage
from leadline.version import __version__

if TYPE_CHECKING:
    from leadline.packages.loaded import Loaded
    from leadline.sbom.cataloguer import Cataloguer

CACHE_BYTES = 512 << 20


class _Document(Struct, frozen=True, array_like=True):
    """A document as it is cached."""

    draft: Draft
    unread: tuple[Unread, ...]
    is_unreadable: bool


class _Redacted(Struct, frozen=True, array_like=True):
    """The SBOM as it is shown, as that is cached."""

    sbom: Sbom


class _Source(Struct, frozen=True):
    """An open image, and where documents about it are cached."""

    image: OpenedImage
    cache: LayerCache | None
    options: CatalogueOptions

    def key(self, format: str) -> str:
        """Empty where nothing names the image beyond doubt."""
        image = self.image
        name = content_key(image)
        if not name:
            return ""
        facts = json.encode((image.identity, image.config, image.unread)).decode()
        # The forms of secrets are shared with the checks of objects.
        fingerprint = code_fingerprint(leadline.outputs.__path__[0], f"{leadline.posture.__path__[0]}/checks")
        return f"document {format} {name} {facts} {self.options.contents_kept_as[0]} {fingerprint}"


class LazySbom:
    """What was asked for, catalogued or read when it is first needed."""

    def __init__(
        self,
        reference: str,
        make: Callable[[], Sbom],
        source: _Source | None = None,
        loaded: "Loaded | None" = None,
    ) -> None:
        """Without ``source`` it is a document of another tool. ``loaded``: what a container of the image loaded."""
        self.loaded = loaded
        self.reference = reference
        self._make = make
        self._source = source
        self._sbom: Sbom | None = None
        self._document: _Document | None = None

    @property
    def is_from_document(self) -> bool:
        """Whether it was read from a document, so that the image itself is not here."""
        return self._source is None

    @property
    def image_id(self) -> str:
        """The digest of the image's configuration; empty for documents and folders."""
        return self._source.image.identity.id if self._source else ""

    @property
    def image_name(self) -> str:
        """What the image is called; empty for documents."""
        return self._source.image.identity.name if self._source else ""

    def sbom(self) -> Sbom:
        """Raises: ``SourceError`` where the image cannot be read or holds nothing."""
        if self._sbom is None:
            source = self._source
            self._sbom = _redacted(self._make(), ()) if source is None else _known(source, self._make)
        return self._sbom

    def unread(self) -> tuple[Unread, ...]:
        """What could not be read. Raises as ``sbom``."""
        return self.sbom().unread if self._document is None else self._document.unread

    def is_unreadable(self) -> bool:
        """Whether something was there and nothing of it could be read. Raises as ``sbom``."""
        return _nothing_readable(self.sbom()) if self._document is None else self._document.is_unreadable

    def document(self, format: str, draft: MakeDraft, moment: str) -> bytes:
        """The document that ``draft`` makes for ``format``, as of ``moment`` or its own. Raises as ``sbom``."""
        source = self._source
        key = source.key(format) if source else ""
        found = load_cached(source.cache, key, _Document) if source else None
        if found is None:
            sbom = self.sbom()
            found = _Document(draft(sbom, __version__), sbom.unread, _nothing_readable(sbom))
            moment = sbom.created or moment
            if source and key and not is_incomplete(sbom):
                store_cached(source.cache, key, found)
        self._document = found
        return found.draft.at(moment)


def _known(source: _Source, make: Callable[[], Sbom]) -> Sbom:
    """The redacted SBOM, out of the cache where it is."""
    key = source.key("sbom")
    cached = load_cached(source.cache, key, _Redacted)
    if cached is not None:
        return replace(cached.sbom, created=source.options.created)
    sbom = _redacted(make(), source.image.config.hidden)
    if key and not is_incomplete(sbom):
        store_cached(source.cache, key, _Redacted(sbom))
    return sbom


def _redacted(sbom: Sbom, hidden: tuple[str, ...]) -> Sbom:
    # What looks like a secret takes a while to import, and an SBOM out of the cache has none.
    from leadline.outputs.redaction.sbom import redacted_sbom

    return redacted_sbom(sbom, hidden)


def _nothing_readable(sbom: Sbom) -> bool:
    return bool(sbom.unread) and not (sbom.packages or sbom.files or sbom.distro.id)


@contextmanager
def open_sbom(reference: str, options: ImageOptions) -> Iterator[LazySbom]:
    """The SBOM of what ``reference`` names, as long as the image is open.

    Raises: ``SourceError`` where it cannot be opened, ``UsageError`` where it makes no sense.
    """
    loaded = _loaded(options.loaded, reference) if options.loaded else None
    path = sbom_input(reference)
    if path is not None:
        if options.with_digests:
            raise UsageError("digests need the files, and a finished SBOM holds none")
        yield LazySbom(reference, lambda: read_sbom_input(path, options), loaded=loaded)
        return
    cache = image_cache(options)
    image = open_requested(reference, options, cache)
    try:
        catalogue_options = CatalogueOptions(
            each=_each(reference, options),
            created=options.created,
            with_digests=options.with_digests,
            with_code=loaded is not None,
            with_archive_sums=options.with_archive_sums,
            with_credentials=options.with_credentials,
        )
        source = _Source(image, cache, catalogue_options)
        yield LazySbom(reference, lambda: _catalogued(reference, source, options), source, loaded)
    finally:
        image.close()


def _each(reference: str, options: ImageOptions) -> Each:
    """``map`` over layers that reads several at once; imported where there is one to read."""

    def each(read: Callable[[Layer], Any], layers: Iterable[Layer]) -> Iterator[Any]:
        from leadline.scans.images.layer_progress import LayerProgress

        yield from LayerProgress(reference, options.say)(read, layers)

    return each


def _loaded(name: str, image: str) -> "Loaded":
    from leadline.scans.images.loaded import read_loaded  # seldom is it known

    return read_loaded(name, image)


def image_cache(options: ImageOptions) -> LayerCache | None:
    """Where what is found in layers is kept; ``None`` for nowhere, or where it cannot be believed."""
    cache = LayerCache(options.cache_folder, CACHE_BYTES) if options.cache_folder else None
    if cache is not None and (why := cache.why_unusable()):
        options.warn(why)
        return None
    return cache


def _catalogued(reference: str, source: _Source, options: ImageOptions) -> Sbom:
    options.say(f"reading {reference}")
    sbom = make_sbom(source.image, shipped_cataloguers, source.cache, source.options)
    is_empty = not (sbom.packages or sbom.files or sbom.unread or sbom.unlisted or sbom.distro.id)
    if is_empty and sbom.image.kind == "directory":
        raise SourceError(
            f"nothing to catalogue in {reference}: no lock file, no installed package",
            hint="name an image, a root folder or a project",
        )
    return sbom


def shipped_cataloguers(image: Image) -> "list[Cataloguer]":
    """Those that come with the product and may find something in ``image``; lock files are for folders of sources."""
    import leadline.sbom.cataloguers
    from leadline.discover import discover
    from leadline.sbom.cataloguer import Cataloguer

    return discover(
        leadline.sbom.cataloguers, Cataloguer, () if image.identity.kind == "directory" else ("_lock",)
    )
