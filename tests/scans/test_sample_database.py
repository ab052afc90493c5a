"""The example image, and the sample of advisories that serves it alone."""

import io
import json
import re
import runpy
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import pytest

import leadline.vulnerabilities.feeds
from leadline.discover import discover
from leadline.scans.images.image_scan import image_scan
from leadline.scans.images.vulnerabilities import EXAMPLE_IMAGE, NO_DATABASE, OF_EXAMPLE
from leadline.scans.options import ImageOptions
from leadline.vulnerabilities.database import Database
from leadline.vulnerabilities.database_builder import build
from leadline.vulnerabilities.feed import Feed

EXAMPLE = Path(__file__).parents[2] / "examples" / "image"
FEEDS = discover(leadline.vulnerabilities.feeds, Feed)
SCRIPT = runpy.run_path(str(EXAMPLE / "build_database.py"))
MADE, sample_documents = SCRIPT["MADE"], SCRIPT["documents"]
TODAY = "2026-09-01"


def members(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {entry.name: archive.extractfile(entry).read() for entry in archive}  # type: ignore[union-attr]


def rows(database: bytes) -> list[tuple[int, bytes]]:
    connection = sqlite3.connect(":memory:")
    connection.deserialize(database)
    found = connection.execute("SELECT hnum, blob FROM Packages ORDER BY hnum").fetchall()
    connection.close()
    return found


def test_the_image_is_what_its_script_makes() -> None:
    made = members(runpy.run_path(str(EXAMPLE / "build.py"))["image"]())
    kept = members((EXAMPLE / "web.tar").read_bytes())
    ours, theirs = members(made["layer.tar"]), members(kept["layer.tar"])
    assert ours.keys() == theirs.keys()
    # SQLite may lay a database out in another way from version to version; what it holds is the same.
    rpm = "var/lib/rpm/rpmdb.sqlite"
    assert rows(ours.pop(rpm)) == rows(theirs.pop(rpm))
    assert ours == theirs
    config = next(name for name in kept if name.endswith(".json") and name != "manifest.json")
    assert f"sha256:{config.removesuffix('.json')}" == EXAMPLE_IMAGE


def test_every_record_of_the_sample_is_taken_by_one_feed_whole(tmp_path: Path) -> None:
    documents = list(sample_documents())
    for document in documents:
        assert len([feed for feed in FEEDS if feed.recognises(document)]) == 1
    built = build(documents, FEEDS, tmp_path / "sample.db", built=MADE)
    assert (built.unread, built.more_unread) == ((), 0)
    assert sum(feed.documents for feed in built.feeds) == len(documents)
    assert [feed.unusable for feed in built.feeds] == [0] * len(built.feeds)
    with Database(tmp_path / "sample.db") as made, Database(EXAMPLE / "web.db") as kept:
        assert (made.about, made.feeds) == (kept.about, kept.feeds), "see examples/image/build_database.py"


def strings(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for one in value for text in strings(one)]
        case dict():
            return [text for one in value.values() for text in strings(one)]
    return []


def test_the_sample_holds_facts_and_no_texts() -> None:
    for document in sample_documents():
        for text in strings(json.loads(document.data)):
            assert len(text) < 120
            assert not re.search(r"[A-Za-z]{2,} [A-Za-z]{2,}", text), text


def test_the_example_image_is_matched_with_the_sample_and_says_so() -> None:
    report = image_scan(str(EXAMPLE / "web.tar"), ImageOptions(today=TODAY))
    assert {match.package.name for match in report.vulnerabilities} == {
        "glibc",
        "expat",
        "Jinja2",
        "requests",
        "puma",
        "twig",
        "marked",
    }
    worst = next(match for match in report.vulnerabilities if match.id == "CVE-2023-4911")
    assert (worst.package.name, worst.fixed_in, worst.exploited is not None) == (
        "glibc",
        ("2.34-60.el9_2.7",),
        True,
    )
    assert report.not_judged[0] == OF_EXAMPLE


def test_no_other_image_is_matched_with_the_sample(tmp_path: Path) -> None:
    content = members((EXAMPLE / "web.tar").read_bytes())
    other = tmp_path / "etc" / "os-release"
    other.parent.mkdir()
    other.write_bytes(members(content["layer.tar"])["etc/os-release"])
    (tmp_path / "requests-2.19.1.dist-info").mkdir()
    (tmp_path / "requests-2.19.1.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: requests\nVersion: 2.19.1\n"
    )
    report = image_scan(str(tmp_path), ImageOptions(today=TODAY))
    assert [package.name for package in report.sbom.packages] == ["requests"]
    assert report.vulnerabilities == ()
    assert report.not_judged[0] == NO_DATABASE


@pytest.mark.parametrize("change", ["removed", "another"])
def test_without_its_own_database_beside_it_the_example_is_an_image_as_any_other(
    tmp_path: Path, change: str
) -> None:
    for name in ("web.tar", "web.db"):
        (tmp_path / name).write_bytes((EXAMPLE / name).read_bytes())
    if change == "removed":
        (tmp_path / "web.db").unlink()
    else:
        (tmp_path / "web.db").write_bytes((tmp_path / "web.db").read_bytes() + b"\0")
    assert image_scan(str(tmp_path / "web.tar"), ImageOptions(today=TODAY)).not_judged[0] == NO_DATABASE
