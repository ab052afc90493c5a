"""A report as bytes, for a file, a store or another process: ``decode(encode(report)) == report``.

The bytes are JSON::

    {"format": "leadline-report", "version": 1, "report": {"type": "posture", …}}

``version`` grows when a reader of the version before could take something for what it is not. Fields that are
added with a default do not raise it: older documents lack them, and older readers pass them over.
"""

from functools import cache
from typing import Any, Final

import msgspec

from leadline.errors import SourceError
from leadline.foreign_errors import in_words
from leadline.model.image_report import ImageReport
from leadline.model.images_report import ImagesReport
from leadline.model.report import PostureReport
from leadline.untyped import MALFORMED

FORMAT: Final = "leadline-report"
VERSION: Final = 1
Report = PostureReport | ImageReport | ImagesReport


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What is written, in this order: its first bytes say what it is."""

    format: str = FORMAT
    version: int = VERSION
    report: Report


class _Head(msgspec.Struct, frozen=True):
    format: str = ""
    version: int = 0


def encode(report: Report) -> bytes:
    """``report`` as a document that is alone.

    Raises: ``ValueError`` for a report that is not sealed: its places and lines, still in the files, would be lost.
    """
    if not isinstance(report, Report):
        raise TypeError(f"{type(report).__name__} is not a report")
    if isinstance(report, PostureReport) and not report.is_sealed:
        raise ValueError(
            "only a sealed report can be encoded; leadline.outputs.documents.sealing.sealed() makes it one"
        )
    return msgspec.json.encode(Document(report=report))


def decode(document: bytes) -> Report:
    """The report in ``document``.

    Raises: ``SourceError`` where it is none, is damaged, or was written by a newer version of this program.
    """
    try:
        head = msgspec.json.decode(document, type=_Head)
    except MALFORMED as error:
        raise SourceError(f"this is not a report: {in_words(error)}") from error
    if head.format != FORMAT:
        raise SourceError("this is not a report", hint="leadline scan -f report writes one")
    if head.version > VERSION:
        raise SourceError(
            f"the report has format version {head.version}, this program reads up to {VERSION}",
            hint="update leadline",
        )
    try:
        return _decoder().decode(document).report
    except MALFORMED as error:
        raise SourceError(f"the report is damaged: {in_words(error)}") from error


def is_report(document: bytes) -> bool:
    """Whether it says of itself that it is one, be it damaged or of another version."""
    try:
        return msgspec.json.decode(document, type=_Head).format == FORMAT
    except MALFORMED:
        return f'"format":"{FORMAT}"'.encode() in document[:4096].replace(b" ", b"")


def schema() -> dict[str, Any]:
    """The JSON Schema of what ``encode`` writes."""
    found = msgspec.json.schema(Document)
    properties = found["$defs"]["Document"]["properties"]
    properties["format"] = {"const": FORMAT}
    properties["version"] = {"type": "integer", "minimum": 1, "maximum": VERSION}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}


@cache
def _decoder() -> msgspec.json.Decoder[Document]:
    """Made when first needed: working out the types takes some milliseconds."""
    return msgspec.json.Decoder(Document)
