"""``leadline db fetch``, ``db import`` of what it brings, and scans that fetch: against a server of this machine."""

import hashlib
import io
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from file_server import FileServer, serving_files
from vulnerabilities.grype_database import GrypeDatabase, packed, published, sample, span

pytestmark = pytest.mark.usefixtures("own_image_place")

SBOM = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "metadata": {"component": {"type": "container", "name": "demo"}},
    "components": [
        {"type": "library", "name": "jinja2", "version": "3.1.2", "purl": "pkg:pypi/jinja2@3.1.2"},
    ],
}
SOURCE = "Grype project, from {host}; checksum of the same host, not signed"


@pytest.fixture
def www(tmp_path: Path) -> Path:
    published(sample(tmp_path / "grype.db"), tmp_path / "www")
    (tmp_path / "sbom.json").write_text(json.dumps(SBOM))
    return tmp_path / "www"


@pytest.fixture
def today(tmp_path: Path) -> Path:
    """As ``www``, of this hour."""
    now = datetime.now(UTC)
    made = GrypeDatabase(tmp_path / "today.db", built=now.isoformat(" ", timespec="seconds"))
    made.provider("github", now.isoformat(" ", timespec="seconds"))
    problem = made.advisory("GHSA-aaaa-bbbb-cccc", "github", severities=[{"value": "critical"}])
    made.affected(problem, "python", "jinja2", ranges=span("< 3.1.3", "3.1.3"))
    published(made.close(), tmp_path / "www", built=now.isoformat(timespec="seconds"))
    (tmp_path / "sbom.json").write_text(json.dumps(SBOM))
    return tmp_path / "www"


def host_of(server: FileServer) -> str:
    return server.address.split("/")[2]


def usual(tmp_path: Path) -> Path:
    return tmp_path / ".local/share/leadline/vulnerabilities.db"


def test_what_is_published_is_fetched_converted_and_then_current(run, www: Path):
    with serving_files(FileServer(www)) as server:
        code, out, err = run("db", "fetch", "--from", server.address)
        again = run("db", "fetch", "--from", f"{server.address}latest.json")
        source = SOURCE.format(host=host_of(server))
        archives = server.ranges(".tar.zst")
    assert (code, out) == (0, "")
    assert err.splitlines()[0].startswith("fetched: ")
    assert "built 2026-06-30, " in err
    assert err.splitlines()[1:] == [
        f"source: {source}",
        "left out: 1, a constraint of another form",
        "left out: 1, packages of the type 'cobol-copybook'",
    ]
    assert again[2].startswith("current already: ")
    assert archives == [""]
    code, out, _ = run("db", "status")
    assert code == 0
    assert f"source: {source}" in out
    code, out, _ = run("scan", "image", "sbom.json")
    assert code == 0
    assert "CVE-2024-22195" in out
    assert "Grype project, from" in out
    code, out, _ = run("scan", "image", "sbom.json", "-f", "json")
    assert json.loads(out)["database"]["source"] == source


def test_broken_download_goes_on_where_it_ended(run, www: Path, tmp_path: Path):
    (archive,) = www.glob("*.tar.zst")
    content = archive.read_bytes()
    # What an earlier run left behind.
    partial = tmp_path / f"v.db.{hashlib.sha256(content).hexdigest()[:16]}.partial"
    partial.write_bytes(content[:500])
    with serving_files(FileServer(www, break_after=1000, breaks=1)) as server:
        code, _, _ = run("db", "fetch", "--from", server.address, "-o", "v.db")
        ranges = server.ranges(".tar.zst")
    assert code == 0
    assert ranges == ["bytes=500-", "bytes=1500-"]
    assert not partial.exists()


def test_archive_that_is_not_what_was_promised_is_not_kept(run, www: Path, tmp_path: Path):
    (archive,) = www.glob("*.tar.zst")
    content = bytearray(archive.read_bytes())
    content[-9] ^= 1
    archive.write_bytes(bytes(content))
    with serving_files(FileServer(www)) as server:
        code, out, err = run("db", "fetch", "--from", server.address, "-o", "v.db")
    assert (code, out) == (3, "")
    assert "is not what its index promises: checksums differ" in err
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("v.db")] == ["v.db.lock"]


@pytest.mark.parametrize(
    ("latest", "words"),
    [
        ({"schemaVersion": "v7.0.0"}, "offers schema v7.0.0; this version reads schema 6; update leadline"),
        ({"path": "../../etc/passwd"}, "names a file outside its folder"),
        ({"path": "https://elsewhere.example/a.tar.zst"}, "names a file outside its folder"),
        ({"checksum": "md5:0"}, "has a checksum that is not SHA-256"),
        ({"built": "yesterday"}, "has a time that cannot be read"),
        ({"path": "none.tar.zst"}, "has no none.tar.zst"),
    ],
)
def test_offer_that_makes_no_sense_is_refused(run, www: Path, latest: dict[str, str], words: str):
    published(sample(www.parent / "other.db"), www, **latest)
    with serving_files(FileServer(www)) as server:
        code, out, err = run("db", "fetch", "--from", server.address, "-o", "v.db")
    assert (code, out) == (3, "")
    assert words in err
    assert not Path("v.db").exists()


@pytest.mark.parametrize(
    ("member", "content", "words"),
    [
        ("other.db", b"SQLite", "holds no vulnerability.db"),
        ("vulnerability.db", b"no database at all", "damaged, or not a database of Grype"),
        ("vulnerability.db", b"SQLite format 3\0" + b"\0" * 5000, "damaged, or not a database of Grype"),
    ],
)
def test_archive_without_a_database_leaves_the_old_one(
    run, www: Path, tmp_path: Path, member: str, content: bytes, words: str
):
    with serving_files(FileServer(www)) as server:
        assert run("db", "fetch", "--from", server.address, "-o", "v.db", "-q") == (0, "", "")
    before = (tmp_path / "v.db").read_bytes()
    (tmp_path / "content").write_bytes(content)
    packed(tmp_path / "content", tmp_path / "a.tar.zst", member)
    code, _, err = run("db", "import", "a.tar.zst", "-o", "v.db")
    assert code == 3
    assert words in err
    assert (tmp_path / "v.db").read_bytes() == before
    assert not (tmp_path / "v.db.new").exists()


def test_archive_is_brought_to_a_machine_without_a_network(run, www: Path, tmp_path: Path):
    with serving_files(FileServer(www)) as server:
        code, out, err = run("db", "fetch", "--from", server.address, "--download-only", "g.tar.zst")
    assert (code, out) == (0, "")
    assert err == "fetched: g.tar.zst, built 2026-06-30; not converted yet, see db import\n"
    for name in ("g.tar.zst", "grype.db"):
        code, out, err = run("db", "import", name)
        assert (code, out) == (0, "")
        assert f"source: Grype project, from the file {name}; its checksum was not compared" in err
        assert "CVE-2024-22195" in run("scan", "image", "sbom.json")[1]
    code, _, err = run("db", "import", "none.tar.zst")
    assert (code, err) == (2, "leadline: none.tar.zst: file not found\n")


def test_source_that_is_set_is_fetched_by_a_scan_and_refreshed(
    run, www: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    asked = usual(tmp_path).with_name("vulnerabilities.db.asked")
    with serving_files(FileServer(www)) as server:
        monkeypatch.setenv("LEADLINE_DB_SOURCE", server.address)
        code, out, err = run("scan", "image", "sbom.json")
        assert (code, "CVE-2024-22195" in out) == (0, True)
        assert err.startswith("fetched: vulnerability database, built 2026-06-30. Grype project, from")
        number = len(server.requests)
        assert run("scan", "image", "sbom.json")[0] == 0
        assert len(server.requests) == number, "it asked again within two hours"
        asked.write_text((datetime.now(UTC) - timedelta(hours=3)).isoformat())
        assert run("scan", "image", "sbom.json", "--offline")[0] == 0
        assert len(server.requests) == number, "it asked though it was to stay offline"
        assert run("scan", "image", "sbom.json")[0] == 0
        assert len(server.requests) > number
    asked.unlink()
    code, out, err = run("scan", "image", "sbom.json")
    assert (code, "CVE-2024-22195" in out) == (0, True)
    assert err.startswith("leadline: vulnerability database not fetched (it is of 2026-06-30, ")
    code, _, err = run("scan", "image", "sbom.json", "--severity-threshold", "critical", "-q")
    assert code == 3
    assert "at most 5 are allowed; fetch or build a newer one" in err
    assert (
        run("scan", "image", "sbom.json", "--severity-threshold", "critical", "--max-db-age", "9999", "-q")[0]
        == 0
    )


def test_place_that_the_environment_names_is_kept_current(
    run, www: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("LEADLINE_DB", str(tmp_path / "cache/v.db"))
    with serving_files(FileServer(www)) as server:
        code, out, _ = run("scan", "image", "sbom.json", "--fetch-db", "--db-source", server.address)
    assert (code, "CVE-2024-22195" in out) == (0, True)
    assert (tmp_path / "cache/v.db").is_file()
    code, out, _ = run("scan", "image", "sbom.json", "--offline")
    assert (code, "CVE-2024-22195" in out) == (0, True)


def test_gate_takes_what_was_fetched_today(run, today: Path):
    with serving_files(FileServer(today)) as server:
        code, out, _ = run(
            *("scan", "image", "sbom.json", "--db-source", server.address, "--severity-threshold", "critical")
        )
    assert code == 1
    assert "GHSA-aaaa-bbbb-cccc" in out


def test_scan_replaces_no_database_of_the_users_own_making(run, www: Path, tmp_path: Path):
    kev = {
        "title": "",
        "catalogVersion": "1",
        "dateReleased": "2026-06-01",
        "count": 1,
        "vulnerabilities": [],
    }
    kev["vulnerabilities"] = [{"cveID": "CVE-2024-1000", "dateAdded": "2026-06-01"}]
    (tmp_path / "kev.json").write_text(json.dumps(kev))
    assert run("db", "build", "kev.json", "-q") == (0, "", "")
    before = usual(tmp_path).read_bytes()
    with serving_files(FileServer(www)) as server:
        assert run("scan", "image", "sbom.json", "--db-source", server.address)[0] == 0
        assert server.requests == []
    assert usual(tmp_path).read_bytes() == before


def test_without_consent_nothing_is_fetched(run, www: Path):
    code, out, err = run("scan", "image", "sbom.json")
    assert (code, err) == (0, "")
    assert "vulnerabilities: not matched, no database found (leadline db fetch)" in out
    code, _, err = run("scan", "image", "sbom.json", "--severity-threshold", "high", "-q")
    assert (code, "get one with 'leadline db fetch'" in err) == (3, True)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--db-source", "ftp://example.org/"), "unknown source of a database: ftp://example.org/"),
        (("--fetch-db", "--offline"), "--fetch-db and --offline exclude each other"),
        (("--fetch-db", "--db", "v.db"), "--fetch-db and --db exclude each other"),
    ],
)
def test_flags_that_make_no_sense_are_refused(run, www: Path, words: tuple[str, ...], expected: str):
    code, out, err = run("scan", "image", "sbom.json", *words)
    assert (code, out) == (2, "")
    assert expected in err


@pytest.mark.parametrize(
    ("typed", "remembered", "questions"),
    [("n\n", None, 1), ("never\n", "off", 1), ("what\nwhat\nwhat\n", None, 3), ("", None, 1)],
)
def test_terminal_is_asked_once(
    run,
    www: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    remembered: str | None,
    questions: int,
):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(os, "isatty", lambda number: number in (0, 2))
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    code, out, err = run("scan", "image", "sbom.json")
    assert code == 0
    assert "not matched" in out
    assert err.count("Fetch the public one of the Grype project?") == questions
    answer = usual(tmp_path).with_name("vulnerabilities.source")
    assert (answer.read_text().strip() if answer.exists() else None) == remembered
    if remembered:
        assert "Fetch the public" not in run("scan", "image", "sbom.json")[2]


def test_pipeline_is_not_asked(run, www: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr(os, "isatty", lambda number: number in (0, 2))
    assert "Fetch the public" not in run("scan", "image", "sbom.json")[2]
