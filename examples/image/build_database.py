"""Writes ``web.db``, the vulnerability database of the example image, from ``advisories.jsonl``.

Run it with Leadline installed, from anywhere, after the format of databases changed; then write the digest that it prints
into ``EXAMPLE_DATABASE`` of ``scans/images/vulnerabilities.py``::

    python examples/image/build_database.py
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import leadline.vulnerabilities.feeds
from leadline.discover import discover
from leadline.vulnerabilities.database_builder import build
from leadline.vulnerabilities.feed import Document, Feed

HERE = Path(__file__).parent
MADE = "2026-08-21T00:00:00Z"
"""When the newest of its records was published."""


def documents() -> Iterator[Document]:
    """The records as their publishers' feeds have them, cut down to ids, packages, versions, ratings and dates."""
    for line in (HERE / "advisories.jsonl").read_text("utf-8").splitlines():
        found = json.loads(line)
        yield Document(found["path"], json.dumps(found["record"]).encode())


if __name__ == "__main__":
    build(documents(), discover(leadline.vulnerabilities.feeds, Feed), HERE / "web.db", built=MADE)
    print(hashlib.sha256((HERE / "web.db").read_bytes()).hexdigest())
