"""The file: what is in it, and what happens where it is not what it should be."""

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from made_database import BUILT, advisory, build_of, database_of, feed_of

from leadline.errors import DatabaseError
from leadline.model.package import Distro, Package
from leadline.model.unread import Unread
from leadline.model.vulnerability import (
    Advisory,
    Affected,
    ExploitChance,
    Exploited,
    FeedDate,
    ReleaseEnd,
    VersionRange,
)
from leadline.packages.file import Unreadable
from leadline.scans.images.checked_database import open_database
from leadline.vulnerabilities.database import SCHEMA, Database, Wanted
from leadline.vulnerabilities.database_builder import build
from leadline.vulnerabilities.feed import Document, Feed
from leadline.vulnerabilities.match import match
from leadline.vulnerabilities.ordering import Ordering
from leadline.vulnerabilities.versions import pep440

ORDERING: Ordering = pep440.pep440


def hits(database: Database, version: str, name: str = "x") -> list[str]:
    stream = next(stream for stream in database.streams if stream.ecosystem == "PyPI")
    known = database.known(stream.id, [name])
    found = database.find(
        [Wanted(0, stream, name, True, number, ORDERING.key(version)) for number in known.values()]
    )
    problems = database.problems(hit.advisory for hit in found)
    return sorted(problem.name for hit in found for problem in problems[hit.advisory])


@pytest.mark.parametrize(
    ("span", "inside", "outside"),
    [
        (VersionRange(), ["0.1", "1!9"], []),
        (VersionRange(fixed="2.0"), ["0", "1.9", "2.0rc1"], ["2.0", "2.0.0", "3"]),
        (VersionRange("1.0", "2.0"), ["1", "1.0.0", "1.5"], ["0.9", "1.0rc1", "2"]),
        (VersionRange("0", "2.0"), ["0.0.dev1", "1"], ["2"]),
        (VersionRange("1.0", last_affected="2.0"), ["1.0", "2.0", "2.0.0"], ["2.0.post1", "2.0.1"]),
        (VersionRange("1.0", "2.0", after=True), ["1.0.1", "1.0.post1"], ["1.0", "1", "2.0"]),
    ],
)
def test_a_range_holds_its_versions_and_no_others(
    tmp_path: Path, span: VersionRange, inside: list[str], outside: list[str]
):
    with database_of(tmp_path, Advisory("A-1", (Affected("PyPI", "x", ranges=(span,)),))) as database:
        assert [version for version in inside if not hits(database, version)] == []
        assert [version for version in outside if hits(database, version)] == []


def test_versions_one_by_one_count_beside_ranges(tmp_path: Path):
    affected = Affected("PyPI", "x", ranges=(VersionRange(fixed="1.0"),), versions=("0.5", "3.0"))
    with database_of(tmp_path, Advisory("A-1", (affected,))) as database:
        assert [hits(database, version) for version in ("0.5", "2.0", "3.0.0", "3.0.1")] == [
            ["A-1"],
            [],
            ["A-1"],
            [],
        ]


def test_names_are_met_in_any_spelling_that_the_ecosystem_takes_for_the_same(tmp_path: Path):
    with database_of(tmp_path, advisory("A-1", "PyPI", "Zope.Interface")) as database:
        assert hits(database, "1", "zope-interface") == ["A-1"]


def test_a_range_of_nonsense_is_left_out_and_counted(tmp_path: Path):
    path = tmp_path / "v.db"
    facts = [
        advisory("A-1", "npm", "x", fixed="one"),
        advisory("A-2", "npm", "x", fixed="1.0.0"),
        advisory("A-3", "npm", "x", introduced="2.0.0", fixed="1.0.0"),
    ]
    built = build_of(path, {"feed": facts})
    assert built.feeds[0].unusable == 2
    assert built.feeds[0].records == 3


def test_what_was_left_out_of_an_advisory_is_named(tmp_path: Path):
    facts = [
        advisory("A-1", "npm", "x", fixed="one"),
        advisory("A-2", "npm", "x", introduced="2.0.0", fixed="1.0.0"),
        Advisory("A-3", (Affected("npm", "y", versions=("two",)),)),
        *(advisory(f"B-{number}", "npm", "x", fixed="one") for number in range(9)),
    ]
    built = build_of(tmp_path / "v.db", {"feed": [*facts, advisory("A-4", "npm", "x", fixed="1.0.0")]})
    assert built.feeds[0].unusable == 12
    assert [(one.where, one.why) for one in built.unusable] == [
        ("A-1, npm x", "'one' cannot be ordered"),
        ("A-2, npm x", "a range that ends before it begins"),
        ("A-3, npm y", "'two' cannot be ordered"),
        ("B-0, npm x", "'one' cannot be ordered"),
        ("B-1, npm x", "'one' cannot be ordered"),
    ]


def test_of_everything_that_was_named_the_feeds_are_known(tmp_path: Path):
    one, other = (
        feed_of(name, [advisory(f"{name}-1", "npm", "x", fixed="1.0.0")]) for name in ("one", "other")
    )
    feeds = [
        Feed(one.name, "One", lambda document: b"one" in document.data, one.read),
        Feed(other.name, "Other", lambda document: b"other" in document.data, other.read),
    ]
    documents = [
        Document("a.jsonl#1", b"one"),
        Document("a.jsonl#2", b"one"),
        Document("mix.zip/x/y", b"other"),
        Document("mix.zip/z", b"one"),
        Document("page.json", b"\xef\xbb\xbf <!DOCTYPE html><html>"),
        Document("empty", b" \n"),
        Unread("big.tar/x", "larger than 1 GiB", "too large"),
    ]
    built = build(documents, feeds, tmp_path / "v.db", built=BUILT)
    assert [(given.name, given.feeds) for given in built.given] == [
        ("a.jsonl", (("One", 2),)),
        ("mix.zip", (("Other", 1), ("One", 1))),
        ("page.json", ()),
        ("empty", ()),
        ("big.tar", ()),
    ]
    assert [(unread.where, unread.why) for unread in built.unread] == [
        ("page.json", "a web page, no feed"),
        ("empty", "empty"),
        ("big.tar/x", "larger than 1 GiB"),
    ]


def test_a_folder_is_no_place_for_the_file(tmp_path: Path):
    with pytest.raises(DatabaseError, match="is a folder"):
        build_of(tmp_path, {"feed": [advisory("A-1", "npm", "x")]})


def test_ids_of_one_problem_are_one_whoever_names_the_others(tmp_path: Path):
    facts = [
        advisory("GHSA-1", "PyPI", "x", aliases=("CVE-2024-1000",)),
        advisory("PYSEC-1", "PyPI", "x", aliases=("GHSA-1",)),
        Advisory("CVE-2024-1000", summary="what it is"),
    ]
    with database_of(tmp_path, *facts) as database:
        problem = database.named("ghsa-1")
        assert problem is not None
        assert (problem.name, problem.aliases) == ("CVE-2024-1000", ("GHSA-1", "PYSEC-1"))
        assert [record.name for record in database.records(problem.id)] == [
            "GHSA-1",
            "PYSEC-1",
            "CVE-2024-1000",
        ]


def test_two_cves_are_two_problems_even_where_one_advisory_names_both(tmp_path: Path):
    facts = [
        advisory("GO-1", "PyPI", "x", aliases=("CVE-2024-1000", "CVE-2024-2000")),
        advisory("GHSA-1", "PyPI", "x", aliases=("CVE-2024-1000",)),
        advisory("GHSA-2", "PyPI", "x", aliases=("GHSA-1", "CVE-2024-2000")),
    ]
    with database_of(tmp_path, *facts) as database:
        assert set(hits(database, "1")) == {"CVE-2024-1000", "CVE-2024-2000"}


def test_an_update_concerns_each_of_the_problems_that_it_covers(tmp_path: Path):
    update = advisory("ALSA-1", "PyPI", "x", covers=("CVE-2024-1000", "CVE-2024-2000"))
    with database_of(tmp_path, update) as database:
        assert hits(database, "1") == ["CVE-2024-1000", "CVE-2024-2000"]


def test_what_was_withdrawn_and_what_is_no_vulnerability_matches_nothing(tmp_path: Path):
    facts = [
        advisory("A-1", "PyPI", "x", withdrawn="2024-01-01"),
        advisory("A-2", "PyPI", "x", kind="bug fix"),
        advisory("A-3", "PyPI", "x"),
    ]
    with database_of(tmp_path, *facts) as database:
        assert hits(database, "1") == ["A-3"]


def test_of_two_states_of_a_record_the_later_counts_wherever_it_comes(tmp_path: Path):
    old = advisory("A-1", "PyPI", "x", fixed="2", modified="2024-01-01")
    new = advisory("A-1", "PyPI", "x", fixed="3", modified="2024-02-01")
    gone = advisory("A-2", "PyPI", "x", modified="2024-01-01")
    for number, facts in enumerate([[old, new, gone], [new, old, gone]]):
        folder = tmp_path / str(number)
        folder.mkdir()
        with database_of(folder, *facts, replace_withdrawn(gone)) as database:
            assert (hits(database, "2.5"), hits(database, "3")) == (["A-1"], [])


def replace_withdrawn(one: Advisory) -> Advisory:
    return Advisory(one.id, one.affected, modified="2024-03-01", withdrawn="2024-03-01")


def test_parts_of_a_record_in_several_documents_add_up(tmp_path: Path):
    facts = [advisory("CVE-2024-1000", "PyPI", "x"), advisory("CVE-2024-1000", "PyPI", "y")]
    with database_of(tmp_path, *facts) as database:
        assert hits(database, "1", "x") == hits(database, "1", "y") == ["CVE-2024-1000"]


def test_facts_about_problems_and_releases_are_kept(tmp_path: Path):
    exploited = Exploited("CVE-2024-1000", "2024-01-02", by_ransomware=True)
    chance = ExploitChance("CVE-2024-1000", 0.5, 0.99)
    end = ReleaseEnd("debian", "12", "2026-06-10")
    with database_of(tmp_path, exploited, chance, end) as database:
        assert database.exploited(["CVE-2024-1000", "CVE-2024-2000"]) == {"CVE-2024-1000": exploited}
        assert database.chances(["CVE-2024-1000"]) == {"CVE-2024-1000": chance}
        assert database.release_end("debian", "12") == end
        assert database.release_end("debian", "13") is None


def test_each_feed_has_its_age(tmp_path: Path):
    feeds = {
        "dated": [FeedDate("2026-06-01"), Exploited("CVE-2024-1000")],
        "aged": [
            advisory("A-1", "PyPI", "x", modified="2026-05-01"),
            advisory("A-2", "PyPI", "x", published="2026-05-03"),
        ],
    }
    with database_of(tmp_path, **feeds) as database:
        assert [(feed.name, feed.date, feed.records) for feed in database.feeds] == [
            ("aged", "2026-05-03", 2),
            ("dated", "2026-06-01", 1),
        ]
        assert database.about["built"] == BUILT


def test_the_same_documents_give_the_same_file(tmp_path: Path):
    facts = [
        advisory(f"A-{number}", "PyPI", f"p{number % 7}", aliases=(f"B-{number}",)) for number in range(50)
    ]
    build_of(tmp_path / "a.db", {"feed": facts})
    build_of(tmp_path / "b.db", {"feed": facts})
    assert (tmp_path / "a.db").read_bytes() == (tmp_path / "b.db").read_bytes()


def read_half(document: Document):
    yield advisory("A-1", "PyPI", "x")
    raise Unreadable("it ends in the middle")


def test_what_could_not_be_read_is_named_and_the_rest_is_kept(tmp_path: Path):
    feed = Feed("half", "Half", lambda document: document.path == "half", read_half)
    documents = [
        Document("half", b""),
        Document("page.html", b"<html>"),
        Unread("big.zip", "damaged", "malformed"),
    ]
    built = build(documents, [feed], tmp_path / "v.db", built=BUILT)
    assert [(unread.where, unread.why) for unread in built.unread] == [
        ("half", "half: it ends in the middle"),
        ("page.html", "a web page, no feed"),
        ("big.zip", "damaged"),
    ]
    with Database(tmp_path / "v.db") as database:
        assert hits(database, "1") == ["A-1"]


def test_nothing_but_unknown_files_makes_no_database_and_leaves_the_old_one(tmp_path: Path):
    path = tmp_path / "v.db"
    build_of(path, {"feed": [advisory("A-1", "PyPI", "x")]})
    before = path.read_bytes()
    with pytest.raises(
        DatabaseError, match=r"no advisories in what was given: page.html: a web page, no feed"
    ):
        build([Document("page.html", b"<html>")], [], path, built=BUILT)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path):
    with pytest.raises(DatabaseError, match="cannot be written"):
        build_of(tmp_path / "missing" / "v.db", {"feed": [advisory("A-1", "PyPI", "x")]})


def test_no_database_is_an_error_with_the_way_to_get_one(tmp_path: Path):
    with pytest.raises(DatabaseError, match=r"vulnerability database not found; .*leadline db build"):
        Database(tmp_path / "v.db")


@pytest.mark.parametrize("kept", [100, 4096, 20_000])
def test_a_database_cut_short_is_refused(tmp_path: Path, kept: int):
    path = tmp_path / "v.db"
    build_of(path, {"feed": [advisory(f"A-{number}", "PyPI", f"p{number}") for number in range(300)]})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DatabaseError, match=r"v\.db: "):
        Database(path)


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0", b"<html>not found</html>" * 500])
def test_any_other_file_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "v.db"
    path.write_bytes(content)
    with pytest.raises(DatabaseError):
        Database(path)


def test_a_database_of_another_program_is_refused(tmp_path: Path):
    path = tmp_path / "v.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t(a)")
    connection.close()
    with pytest.raises(DatabaseError, match="not a vulnerability database of ours"):
        Database(path)


@pytest.mark.parametrize(("version", "age"), [(SCHEMA - 1, "an older"), (SCHEMA + 1, "a newer")])
def test_a_database_of_another_version_is_refused_with_both_named(tmp_path: Path, version: int, age: str):
    path = tmp_path / "v.db"
    build_of(path, {"feed": [advisory("A-1", "PyPI", "x")]})
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={version}")
    connection.close()
    with pytest.raises(
        DatabaseError, match=f"made by {age} version .format {version}, this one reads {SCHEMA}."
    ):
        Database(path)


def test_damage_within_is_found_where_it_is_asked_for(tmp_path: Path):
    path = tmp_path / "v.db"
    build_of(path, {"feed": [advisory(f"A-{number}", "PyPI", f"p{number}") for number in range(3000)]})
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 4096] = b"\xff" * 4096
    path.write_bytes(content)
    with Database(path) as database, pytest.raises(DatabaseError, match=r"v\.db: "):
        database.verify()


def test_of_two_builders_at_once_one_wins_and_nothing_is_left_behind(tmp_path: Path):
    path = tmp_path / "v.db"
    facts = [advisory(f"A-{number}", "PyPI", "x") for number in range(500)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: build_of(path, {"feed": facts}), range(4)))
    assert list(tmp_path.iterdir()) == [path]
    with Database(path) as database:
        database.verify()
        assert len(hits(database, "1")) == 500


def test_a_scan_keeps_the_file_that_it_opened_while_another_takes_its_place(tmp_path: Path):
    with database_of(tmp_path, advisory("A-1", "PyPI", "x")) as database:
        build_of(database.path, {"feed": [advisory("A-2", "PyPI", "x")]})
        assert hits(database, "1") == ["A-1"]
        with Database(database.path) as newer:
            assert hits(newer, "1") == ["A-2"]


@pytest.mark.parametrize(
    "harm",
    [
        "DELETE FROM problem",
        "DELETE FROM advisory",
        "DELETE FROM concerns",
        "DELETE FROM feed",
        "UPDATE problem SET name = CAST(x'43ff' AS TEXT)",
        "UPDATE advisory SET detail = x'ff'",
        "UPDATE problem SET aliases = x'91a2ff00'",
    ],
)
def test_a_database_that_lost_a_part_is_damaged(tmp_path: Path, harm: str):
    """Damage that SQLite does not notice: what one table names is gone from the other."""
    fact = advisory("GHSA-1", "npm", "ms", aliases=("CVE-2024-1",), fixed="2")
    build_of(tmp_path / "v.db", {"feed": [fact]})
    with sqlite3.connect(tmp_path / "v.db") as connection:
        connection.execute(harm)
    with Database(tmp_path / "v.db") as database, pytest.raises(DatabaseError):
        match([Package("npm", "ms", "1.0.0")], Distro(), database)


def test_no_damage_anywhere_in_the_file_gives_a_shorter_answer(tmp_path: Path):
    """Where SQLite notices nothing, the checksum of the whole file does."""
    path, damaged = tmp_path / "v.db", tmp_path / "damaged.db"
    build_of(path, {"feed": [advisory(f"A-{number}", "PyPI", f"p{number}") for number in range(300)]})
    whole = path.read_bytes()
    open_database(path).close()
    chance = random.Random(7)
    for _ in range(400):
        content = bytearray(whole)
        at = chance.randrange(len(content))
        count = chance.choice((1, 1, 2, 16, 512))
        content[at : at + count] = chance.randbytes(len(content[at : at + count]))
        if content == whole:
            continue
        damaged.write_bytes(content)
        with pytest.raises(DatabaseError, match=r"damaged\.db: "):
            open_database(damaged)


@pytest.mark.parametrize("checksum", ["", "0" * 63 + "1", "ü" * 64])
def test_a_database_without_its_checksum_is_damaged(tmp_path: Path, checksum: str):
    build_of(tmp_path / "v.db", {"feed": [advisory("A-1", "PyPI", "x")]})
    with sqlite3.connect(tmp_path / "v.db") as connection:
        connection.execute("UPDATE about SET value = ? WHERE name = 'checksum'", (checksum,))
    with pytest.raises(DatabaseError, match="damaged"):
        open_database(tmp_path / "v.db")


def test_that_a_file_is_whole_is_remembered_until_it_is_another(tmp_path: Path):
    path, cache = tmp_path / "v.db", tmp_path / "cache"
    build_of(path, {"feed": [advisory("A-1", "PyPI", "x")]})
    open_database(path, str(cache)).close()
    assert len([*cache.iterdir()]) == 1
    open_database(path, str(cache)).close()
    assert len([*cache.iterdir()]) == 1
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatabaseError, match="its checksum is another"):
        open_database(path, str(cache))
