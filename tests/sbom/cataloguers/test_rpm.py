import re
import sqlite3
import struct
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from memory_tree import MemoryTree, read
from mutations import damaged
from package_cases import HERE, assert_finds, cases
from rpm_blobs import header, ndb, package, sqlite

from leadline.sbom.cataloguers.rpm import rpm
from leadline.sbom.parsers.rpm_header import read_header

TABLE = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
PATH = "var/lib/rpm/Packages"


def found(content: bytes, log: bytes = b"") -> tuple[list[str], str]:
    """Names of the packages in a database, and why it stopped."""
    path = "var/lib/rpm/rpmdb.sqlite"
    packages, stops = read(rpm, MemoryTree({path: content, f"{path}-wal": log}), path)
    return [package.name for package in packages], stops


@pytest.mark.parametrize("case", cases("rpm"))
def test_database_is_read_whole(case: str) -> None:
    assert_finds(rpm, case)


@pytest.mark.parametrize("name", ["rpmdb.sqlite", "Packages.db", "Packages"])
@given(data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.data_too_large])
def test_damaged_database_is_unreadable_at_worst(name: str, data: st.DataObject) -> None:
    content = data.draw(damaged((HERE / "rpm" / name).read_bytes()))
    packages, _ = read(rpm, MemoryTree({PATH: content}), PATH)
    assert all(package.name and package.version for package in packages)
    assert len(packages) <= 3


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_header_is_left_out_or_read(data: st.DataObject) -> None:
    blob = data.draw(damaged(package("x", requires=["a", "b"], provides=["x"], license="MIT")))
    names, stops = found(ndb([(1, 0)], [(1, blob)]))
    assert len(names) + bool(stops) == 1


def test_hash_that_berkeley_dbs_own_library_wrote_is_read_whole() -> None:
    """Headers of rpm 4.18, loaded by db5.3_load: most lie on chains of overflow pages."""
    packed = (HERE / "rpm" / "Packages-libdb.zst").read_bytes()
    content = zstandard.ZstdDecompressor().decompress(packed)
    packages, stops = read(rpm, MemoryTree({PATH: content}), PATH)
    assert stops == ""
    assert {package.name: package.version for package in packages} == {
        "redis": "6.2.18-1.el9_6",
        "rtla": "5.14.0-427.37.1.el9_4",
        "ruby-doc": "3.3.10-5.module_el9.7.0+193+58179166",
        "rubygem-minitest": "5.20.0-2.module_el9.4.0+102+68a93853",
        "rubygem-mysql2-doc": "0.5.7-1.module_el9.8.0+232+50f6dd36",
        "rubygem-power_assert": "1.2.1-167.el9_8",
        "rv": "5.14.0-427.33.1.el9_4",
        "skopeo": "2:1.18.1-2.el9_6",
        "systemd-resolved": "252-55.el9_7.9.alma.1",
        "texlive-csquotes": "9:20200406-26.el9_2",
        "texlive-xtab": "9:20200406-26.el9_2",
        "thunderbird": "115.6.0-1.el9_3.alma",
    }


def test_signing_keys_are_no_packages() -> None:
    blobs = [(1, package("gpg-pubkey")), (2, package("bash"))]
    assert found(ndb([(1, 0), (2, 1)], blobs)) == (["bash"], "")


def test_blob_that_is_no_header_is_counted() -> None:
    content = ndb([(1, 0), (2, 1)], [(1, b"nothing"), (2, package("bash"))])
    assert found(content) == (["bash"], "entries that are not package headers: 1")


def test_slots_sharing_one_blob_do_not_multiply_it() -> None:
    content = ndb([(1, 0)] * 250, [(1, package("x" * 60_000))])
    names, stops = found(content)
    assert len(names) < 3
    assert re.fullmatch(r"the rpm database has \d+ damaged slots", stops)


def test_unknown_form_is_named() -> None:
    assert found(b"Berkeley") == ([], "no rpm database of a known form (SQLite, ndb, Berkeley DB)")


def test_write_ahead_log_is_part_of_the_database(tmp_path: Path) -> None:
    file = tmp_path / "rpmdb.sqlite"
    writer = sqlite3.connect(file)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute(TABLE)
    writer.execute("INSERT INTO Packages (blob) VALUES (?)", [package("first")])
    writer.commit()
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    writer.executemany("INSERT INTO Packages (blob) VALUES (?)", [[package(f"p{i}")] for i in range(40)])
    writer.commit()
    content, log = file.read_bytes(), (tmp_path / "rpmdb.sqlite-wal").read_bytes()
    writer.close()
    assert found(content) == (["first"], "")
    assert found(content, log) == (["first", *(f"p{i}" for i in range(40))], "")
    assert found(content, log[:-100]) == (["first"], "")


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_damaged_log_is_unreadable_at_worst(data: st.DataObject) -> None:
    content = (HERE / "rpm" / "rpmdb.sqlite").read_bytes()
    head = struct.pack(">6I", 0x377F0683, 3007000, 1024, 0, 1, 2)
    names, stops = found(content, data.draw(damaged(head + bytes(2000))))
    assert len(names) == 3 or stops


@pytest.mark.parametrize(
    ("statements", "why"),
    [
        (["CREATE TABLE Other (x)"], "the rpm database has no plain table Packages"),
        (
            [
                "CREATE VIEW Packages AS WITH RECURSIVE n(blob) AS (SELECT x'00' UNION ALL SELECT blob FROM n)"
                " SELECT blob FROM n"
            ],
            "the rpm database has no plain table Packages",
        ),
        (["CREATE VIRTUAL TABLE Packages USING fts5(blob)"], "the rpm database has no plain table Packages"),
        (
            ["CREATE TABLE Packages (x, blob AS (upper(x)))", "INSERT INTO Packages VALUES ('a')"],
            "the rpm database has no plain table Packages",
        ),
    ],
)
def test_database_may_only_hold_a_plain_table(tmp_path: Path, statements: list[str], why: str) -> None:
    names, stops = found(sqlite(tmp_path / "hostile", statements))
    assert (names, stops) == ([], why)


def test_row_without_a_blob_is_counted(tmp_path: Path) -> None:
    content = sqlite(tmp_path / "hostile", [TABLE, "INSERT INTO Packages (blob) VALUES ('text')"])
    assert found(content) == ([], "entries that are not package headers: 1")


def test_rows_sharing_pages_do_not_multiply_them(tmp_path: Path) -> None:
    rows = [TABLE, *["INSERT INTO Packages (blob) VALUES (zeroblob(200992))"] * 8]
    content = bytearray(sqlite(tmp_path / "hostile", ["PRAGMA page_size = 4096", *rows]))
    # Each row ends with the number of the page on which it goes on: all now go on where the first does.
    cells = struct.unpack_from(">8H", content, 4096 + 8)
    links = [4096 + cell + 4 + 489 for cell in cells]
    for link in links:
        content[link : link + 4] = content[links[0] : links[0] + 4]
    assert found(bytes(content)) == ([], "entries that are not package headers: 8")
    pages = len(content) // 4096 // 2
    content[28:32] = struct.pack(">I", pages)
    assert found(bytes(content[: pages * 4096])) == (
        [],
        "the rpm database holds more than fits into it; entries that are not package headers: 4",
    )


def test_long_folder_is_not_multiplied_by_its_files() -> None:
    count = 20_000
    blob = header(
        {1000: "x", 1001: "1", 1116: [0] * count, 1117: ["f"] * count, 1118: ["/" + "d" * 200_000 + "/"]}
    )
    files = read_header(blob).files()
    assert 0 < sum(map(len, files)) < 17 * len(blob)


def test_overlapping_entries_of_a_page_are_damaged() -> None:
    content = bytearray((HERE / "rpm" / "Packages").read_bytes())
    hash_pages = [
        at
        for at in range(512, len(content), 512)
        if content[at + 25] == 13 and any(content[at + 20 : at + 22])
    ]
    for at in hash_pages:
        struct.pack_into("<H", content, at + 28, 511)
    names, stops = found(bytes(content))
    assert (names, stops) == ([], f"the rpm database has {len(hash_pages)} damaged entries")


def test_chain_of_pages_that_runs_in_a_circle_ends() -> None:
    content = bytearray((HERE / "rpm" / "Packages").read_bytes())
    overflow = [at for at in range(512, len(content), 512) if content[at + 25] == 7]
    for at in overflow:
        struct.pack_into("<I", content, at + 16, overflow[0] // 512)
    names, stops = found(bytes(content))
    assert (names, stops) == ([], "the rpm database has 3 damaged entries")
