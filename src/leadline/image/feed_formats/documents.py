"""Records that their publishers keep as YAML, and others hand on as JSON."""

from typing import TypeVar

import msgspec

from leadline.image import cataloguer
from leadline.image.feed import Document, Unreadable
from leadline.image.feed_formats.values import decode
from leadline.image.parsers.documents import read_yaml

T = TypeVar("T")


def read_record(document: Document, type: type[T]) -> T:
    """The one record of a document, JSON or YAML (every scalar a string). Raises ``Unreadable``."""
    if document.data.lstrip()[:1] in (b"{", b"<", b""):
        return decode(document.data, type, "the record")
    try:
        value = read_yaml(cataloguer.File(document.path, document.data))
    except cataloguer.Unreadable as error:
        raise Unreadable(str(error)) from error
    try:
        return msgspec.convert(value, type, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Unreadable(f"the record has another shape than expected: {str(error)[:160]}") from error
