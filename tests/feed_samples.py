"""The samples of every feed, and what each of them says, as text that a person can check.

``vulnerabilities/feeds/samples/FEED/…`` are documents in the feed's own format, cut down to ids, packages, versions, ratings and dates.
``vulnerabilities/feeds/expected/FEED.json`` holds for each of them all facts, and why the document is named as unreadable, if it is.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from leadline.discover import discover
from leadline.packages.file import Unreadable
from leadline.vulnerabilities import feeds
from leadline.vulnerabilities.feed import Document, Feed

SAMPLES = Path(__file__).parent / "vulnerabilities" / "feeds" / "samples"
EXPECTED = Path(__file__).parent / "vulnerabilities" / "feeds" / "expected"
FEEDS = {feed.name: feed for feed in discover(feeds, Feed)}


def documents(feed: str) -> Iterator[Document]:
    folder = SAMPLES / feed
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            if path.suffix == ".jsonl":
                lines = path.read_bytes().splitlines()
                yield from (Document(f"{name}#{number}", line) for number, line in enumerate(lines, 1))
            else:
                yield Document(name, path.read_bytes())


def every_document() -> list[tuple[str, Document]]:
    return [(feed, document) for feed in FEEDS for document in documents(feed)]


def told(feed: str, document: Document) -> dict[str, Any]:
    """Everything that reading ``document`` gives."""
    facts: list[dict[str, Any]] = []
    why = ""
    try:
        facts.extend({type(fact).__name__: _short(fact)} for fact in FEEDS[feed].read(document))
    except Unreadable as error:
        why = str(error)
    return {"facts": facts, **({"unreadable": why} if why else {})}


def _short(value: object) -> Any:
    """Without the fields that have their defaults."""
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        defaults = dict(
            zip(names[len(names) - len(value.__struct_defaults__) :], value.__struct_defaults__, strict=True)
        )
        given = {name: getattr(value, name) for name in names}
        return {name: _short(one) for name, one in given.items() if defaults.get(name, ...) != one}
    if isinstance(value, tuple):
        return [_short(one) for one in value]
    return value


def expected(feed: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((EXPECTED / f"{feed}.json").read_text())
    return read
