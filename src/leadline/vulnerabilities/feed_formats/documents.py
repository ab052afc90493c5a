"""Records that their publishers keep as YAML, and others hand on as JSON."""

from typing import TypeVar

import msgspec

from leadline.foreign_errors import in_words
from leadline.packages.documents import read_yaml
from leadline.packages.file import File, Unreadable
from leadline.vulnerabilities.feed import Document
from leadline.vulnerabilities.feed_formats.values import decode

T = TypeVar("T")


def read_record(document: Document, type: type[T]) -> T:
    """The one record of a document, JSON or YAML (every scalar a string). Raises ``Unreadable``."""
    if document.data.lstrip()[:1] in (b"{", b"<", b""):
        return decode(document.data, type, "the record")
    value = read_yaml(File(document.path, document.data))
    try:
        return msgspec.convert(value, type, strict=False)
    except (msgspec.ValidationError, RecursionError) as error:
        raise Unreadable(f"the record has another shape than expected: {in_words(error)[:160]}") from error
