"""The SBOM of one request. Documents that were told before are told again without being made."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct, json

import leadline.outputs
from leadline import __version__
from leadline.errors import SourceError, UsageError
from leadline.image.code_fingerprint import code_fingerprint
from leadline.image.image import Options
from leadline.image.sbom_cache import bill_of_materials, has_gaps, recall, remember
from leadline.model.finding import Unread
from leadline.model.package import Sbom
from leadline.outputs.document_template import Draft, MakeDraft
from leadline.programs.cli.imaging.finished import finished_document, read_finished
from leadline.programs.cli.imaging.layer_progress import LayerProgress, Say
from leadline.programs.cli.imaging.opening import layer_cache, open_requested
from leadline.programs.cli.imaging.request import ImageRequest
from leadline.sources.images.cache import LayerCache
from leadline.sources.images.layer import OpenedImage

if TYPE_CHECKING:
    from leadline.image.cataloguer import Cataloguer


class _Told(Struct, frozen=True, array_like=True):
    """A document as it is remembered."""

    draft: Draft
    unread: tuple[Unread, ...]
    is_hollow: bool


class _Memory(Struct, frozen=True):
    """Where documents about ``image`` are kept."""

    image: OpenedImage
    cache: LayerCache | None
    options: Options

    def key(self, format: str) -> str:
        """Empty where nothing names the image beyond doubt."""
        image = self.image
        if not image.cache_key:
            return ""
        told = json.encode((image.identity, image.config, image.unread)).decode()
        stamp = code_fingerprint(leadline.outputs.__path__[0])
        return f"document {format} {image.cache_key} {told} {self.options.kept_as} {stamp}"


class Bill:
    """What was asked for, catalogued or read when it is first needed."""

    def __init__(self, make: Callable[[], Sbom], memory: _Memory | None = None) -> None:
        """Without ``memory`` it is a finished document of somebody else's."""
        self._make = make
        self._memory = memory
        self._sbom: Sbom | None = None
        self._told: _Told | None = None
        self.kept: Draft | None = None
        """The document told last, where it may be told again."""

    @property
    def stamps(self) -> Mapping[str, str]:
        """Of all files that it was read from; empty where something else had a say."""
        return self._memory.image.stamps if self._memory else {}

    @property
    def is_finished(self) -> bool:
        """Whether it was read from a document, so that the image itself is not here."""
        return self._memory is None

    def sbom(self) -> Sbom:
        """Raises: ``SourceError`` where the image cannot be read or holds nothing."""
        if self._sbom is None:
            self._sbom = self._make()
        return self._sbom

    def unread(self) -> tuple[Unread, ...]:
        """What could not be read. Raises as ``sbom``."""
        return self.sbom().unread if self._told is None else self._told.unread

    def is_hollow(self) -> bool:
        """Whether something was there and nothing of it could be read. Raises as ``sbom``."""
        return _nothing_readable(self.sbom()) if self._told is None else self._told.is_hollow

    def document(self, format: str, draft: MakeDraft, moment: str) -> bytes:
        """The document that ``draft`` makes for ``format``, as of ``moment`` or its own. Raises as ``sbom``."""
        memory = self._memory
        key = memory.key(format) if memory else ""
        told = recall(memory.cache, key, _Told) if memory else None
        is_kept = told is not None
        if told is None:
            sbom = self.sbom()
            told = _Told(draft(sbom, __version__), sbom.unread, _nothing_readable(sbom))
            moment = sbom.created or moment
            if memory and key and not has_gaps(memory.image, sbom):
                remember(memory.cache, key, told)
                is_kept = True
        self.kept = told.draft if is_kept else None
        self._told = told
        return told.draft.at(moment)


def _nothing_readable(sbom: Sbom) -> bool:
    return bool(sbom.unread) and not (sbom.packages or sbom.files or sbom.distro.id)


@contextmanager
def requested_bill(request: ImageRequest, created: str, say: Say) -> Iterator[Bill]:
    """The bill that ``request`` asks for, as long as the image is open.

    Raises: ``SourceError`` where it cannot be opened, ``UsageError`` where it makes no sense.
    """
    path = finished_document(request.image)
    if path is not None:
        if request.digests:
            raise UsageError("--digests needs the files, and a finished SBOM holds none")
        yield Bill(lambda: read_finished(path, created))
        return
    image = open_requested(request, say)
    cache = layer_cache(request)
    try:
        options = Options(
            each=LayerProgress(request.image, say), created=created, with_digests=request.digests
        )
        memory = _Memory(image, cache, options)
        yield Bill(lambda: _catalogued(request, memory, say), memory)
    finally:
        image.close()


def _catalogued(request: ImageRequest, memory: _Memory, say: Say) -> Sbom:
    import logging  # slow to import, and nothing is logged where all is remembered

    if not request.debug:
        # A fault in a cataloguer is named among what was not read; its traceback is for --debug.
        logging.getLogger("leadline").addHandler(logging.NullHandler())
    say(f"reading {request.image}")
    sbom = bill_of_materials(memory.image, _cataloguers, memory.cache, memory.options)
    is_empty = not (sbom.packages or sbom.files or sbom.unread or sbom.distro.id)
    if is_empty and sbom.image.kind == "directory":
        raise SourceError(
            f"nothing to catalogue in {request.image}: no lock file, no installed package",
            hint="name an image, a root folder or a project",
        )
    return sbom


def _cataloguers() -> "list[Cataloguer]":
    import leadline.image.cataloguers
    from leadline.discover import discover
    from leadline.image.cataloguer import Cataloguer

    return discover(leadline.image.cataloguers, Cataloguer)
