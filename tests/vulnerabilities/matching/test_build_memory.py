"""Building a database takes the same memory whatever the number of records."""

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from leadline.model.vulnerability import Fact
from leadline.vulnerabilities.database_builder import build_of_facts
from leadline.vulnerabilities.feed import Feed
from vulnerabilities.matching.made_database import BUILT, advisory, feed_of

MOST_BYTES_A_RECORD = 150
"""The names of one advisory alone take more than that where they are kept in dictionaries (some 2,000)."""


def facts(number: int) -> Iterator[tuple[Feed, Fact]]:
    feed = feed_of("osv", [])
    for n in range(number):
        aliases = (f"CVE-2024-{n:06}", f"PYSEC-2024-{n:06}")
        yield feed, advisory(f"GHSA-{n:06}", "PyPI", f"package{n % 50}", fixed="2", aliases=aliases)


def peak_bytes(target: Path, number: int) -> int:
    tracemalloc.start()
    try:
        build_of_facts(facts(number), target, built=BUILT, about=dict)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_records(tmp_path: Path):
    peak_bytes(tmp_path / "first.db", 100)  # what is made once
    # Both fill what is written at a time.
    few, many = (peak_bytes(tmp_path / "v.db", number) for number in (5_000, 9_000))
    assert (many - few) / 4_000 < MOST_BYTES_A_RECORD
