"""Real advisories about the packages of one example image (``examples/image``), so that a first scan needs no database.

They serve that image alone and are never a fallback: a scan of another image without a database says so.
Sources and licences stand in ``NOTICE.md`` beside this file.
"""

from collections.abc import Iterator
from pathlib import Path

from msgspec import Raw, Struct, json

from leadline.vulnerabilities.feed import Document

MADE = "2026-08-21T00:00:00Z"
"""When the newest of its records was published."""


class _Line(Struct, frozen=True):
    path: str
    record: Raw


def sample_documents() -> Iterator[Document]:
    """The records as their publishers' feeds have them, cut down to ids, packages, versions, ratings and dates."""
    for line in Path(__file__).with_name("documents.jsonl").read_bytes().splitlines():
        found = json.decode(line, type=_Line)
        yield Document(found.path, bytes(found.record))
