"""``leadline db fetch --from feeds`` and ``db build URL``: the publishers' own feeds, from a server of this machine."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from file_server import FileServer, serving_files
from leadline.scans.images.feed_fetch import read_feed_table
from leadline.sources.vulnerability_db.osv_changes import MOST_CHANGES

pytestmark = pytest.mark.usefixtures("own_image_place")


@pytest.fixture
def www(tmp_path: Path) -> Path:
    folder = tmp_path / "www"
    folder.mkdir()
    write_kev(folder, "CVE-2024-1000")
    record = {"id": "RUSTSEC-2024-0001", "modified": "2026-06-01T00:00:00Z", "details": "A text. And more."}
    affected = {"package": {"ecosystem": "crates.io", "name": "tokio"}, "ranges": []}
    affected["ranges"] = [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}]
    (folder / "crates.json").write_text(json.dumps(record | {"affected": [affected]}))
    return folder


def write_kev(folder: Path, *cves: str) -> None:
    kev = {"title": "", "catalogVersion": "1", "dateReleased": "2026-06-01", "count": len(cves)}
    kev["vulnerabilities"] = [{"cveID": cve, "dateAdded": "2026-06-01"} for cve in cves]
    (folder / "kev.json").write_text(json.dumps(kev))


def table(folder: Path, server: FileServer, *more: str) -> str:
    names = ("kev", "crates", *more)
    lines = [f'"{name}" = "{server.address}{name}.json"' for name in names]
    (folder / "ours.toml").write_text("\n".join(("[feeds]", *lines)))
    return "ours.toml"


def test_feeds_are_fetched_once_and_again_only_when_they_change(run, www: Path, tmp_path: Path):
    with serving_files(FileServer(www)) as server:
        fetch = ("db", "fetch", "--from", table(tmp_path, server), "-o", "v.db")
        code, out, err = run(*fetch)
        assert (code, out) == (0, "")
        assert "kev.json: CISA known exploited vulnerabilities (1)" in err
        assert "crates.json: OSV (1)" in err
        before = (tmp_path / "v.db").read_bytes()
        assert run(*fetch) == (0, "", "current already: v.db, 2 feeds asked\n")
        assert (tmp_path / "v.db").read_bytes() == before
        write_kev(www, "CVE-2024-1000", "CVE-2024-2000")
        code, _, err = run(*fetch)
        assert code == 0
        assert "2 records" in err
    code, out, _ = run("explain", "RUSTSEC-2024-0001", "--db", "v.db")
    assert (code, "A text. And more." in out) == (0, True)


def test_a_database_of_other_feeds_or_of_someone_else_is_made_again_though_no_feed_is_newer(
    run, www: Path, tmp_path: Path
):
    with serving_files(FileServer(www)) as server:
        fetch = ("db", "fetch", "--from", table(tmp_path, server), "-o", "v.db")
        assert run(*fetch)[0] == 0
        write_kev(www, "CVE-2024-1000", "CVE-2024-2000")
        assert run(*fetch, "--only", "kev")[0] == 0
        assert run("explain", "RUSTSEC-2024-0001", "--db", "v.db")[0] != 0
        assert run(*fetch)[0] == 0
        assert run("explain", "RUSTSEC-2024-0001", "--db", "v.db")[0] == 0
        assert run("db", "build", str(www / "kev.json"), "-o", "v.db")[0] == 0
        assert run(*fetch)[0] == 0
        assert run("explain", "RUSTSEC-2024-0001", "--db", "v.db")[0] == 0
        assert run(*fetch) == (0, "", "current already: v.db, 2 feeds asked\n")


def test_feed_that_is_away_is_named_and_its_last_state_serves(run, www: Path, tmp_path: Path):
    with serving_files(FileServer(www)) as server:
        words = ("db", "fetch", "--from", table(tmp_path, server, "none"), "-o", "v.db")
        code, _, err = run(*words)
        assert code == 0
        assert "not fetched: none: 127.0.0.1 answered 404" in err
        (www / "crates.json").unlink()
        write_kev(www, "CVE-2024-3000")
        code, _, err = run(*words)
        assert code == 0
        assert "not fetched: crates: 127.0.0.1 answered 404; an earlier state serves" in err
        assert "crates.json: OSV (1)" in err
    code, out, err = run(*words[:-1], "other.db")
    assert (code, out) == (3, "")
    assert err.startswith("leadline: no feed could be fetched, the first kev: cannot reach 127.0.0.1:")


def osv_record(number: int, day: str, fix: str) -> dict[str, Any]:
    events = [{"introduced": "0"}, {"fixed": fix}]
    affected = {"package": {"ecosystem": "crates.io", "name": f"crate{number}"}}
    affected["ranges"] = [{"type": "SEMVER", "events": events}]  # type: ignore[assignment]
    return {
        "id": f"RUSTSEC-2024-{number:04}",
        "modified": f"{day}T00:00:00Z",
        "details": fix,
        "affected": [affected],
    }


def publish_osv(folder: Path, *records: dict[str, Any], archive: bool = True) -> None:
    """As OSV does: the archive, a file for each record, and the list of changes, the newest first."""
    if archive:
        with zipfile.ZipFile(folder / "all.zip", "w") as file:
            for record in records:
                file.writestr(f"{record['id']}.json", json.dumps(record))
    for record in records:
        (folder / f"{record['id']}.json").write_text(json.dumps(record, indent=1))
    rows = sorted(((record["modified"], record["id"]) for record in records), reverse=True)
    (folder / "modified_id.csv").write_text("".join(f"{when},{id}\n" for when, id in rows))


def asked(server: FileServer) -> list[str]:
    names = [name for name, _ in server.requests]
    server.requests.clear()
    return names


def osv_table(folder: Path, server: FileServer) -> str:
    (folder / "osv.toml").write_text(f'[feeds]\n"osv-crates" = "{server.address}all.zip"\n')
    return "osv.toml"


def test_of_an_archive_of_osv_only_what_has_changed_is_fetched(run, www: Path, tmp_path: Path):
    records = [osv_record(number, f"2026-05-0{number + 1}", "1.0.0") for number in range(9)]
    publish_osv(www, *records)
    with serving_files(FileServer(www)) as server:
        words = ("db", "fetch", "--from", osv_table(tmp_path, server), "-o", "v.db")
        assert run(*words)[0] == 0
        assert asked(server) == ["all.zip", "modified_id.csv"]
        records[4] = osv_record(4, "2026-06-03", "1.2.3")
        records.append(osv_record(9, "2026-06-02", "2.0.0"))
        publish_osv(www, *records)
        code, _, err = run(*words)
        assert code == 0
        # What changed last before is asked for again: archive and list are not written in one moment.
        changed = [f"RUSTSEC-2024-{number:04}.json" for number in (4, 9, 8)]
        assert asked(server) == ["modified_id.csv", *changed]
        assert "osv-crates.changes.jsonl: OSV (3)" in err
        assert "1.2.3" in run("explain", "RUSTSEC-2024-0004", "--db", "v.db")[1]
        assert "2.0.0" in run("explain", "RUSTSEC-2024-0009", "--db", "v.db")[1]
        assert run(*words) == (0, "", "current already: v.db, 1 feed asked\n")
        assert asked(server) == ["modified_id.csv", changed[0]]


@pytest.mark.parametrize("how", ["many", "gone", "broken", "no list"])
def test_the_archive_is_fetched_where_changes_do_not_serve(run, www: Path, tmp_path: Path, how: str):
    first = osv_record(0, "2026-06-01", "1.0.0")
    publish_osv(www, first)
    with serving_files(FileServer(www)) as server:
        words = ("db", "fetch", "--from", osv_table(tmp_path, server), "-o", "v.db")
        assert run(*words)[0] == 0
        number = MOST_CHANGES + 1 if how == "many" else 1
        publish_osv(www, first, *(osv_record(n, "2026-06-02", "2.0.0") for n in range(1, number + 1)))
        record, listing = www / "RUSTSEC-2024-0001.json", www / "modified_id.csv"
        if how == "gone":
            record.unlink()
        elif how == "broken":
            record.write_text("{")
        elif how == "no list":
            listing.write_text("<html>")
        assert run(*words)[0] == 0
        assert "all.zip" in asked(server)
        assert not list(tmp_path.rglob("*.changes.jsonl"))
    assert "2.0.0" in run("explain", "RUSTSEC-2024-0001", "--db", "v.db")[1]


def test_names_choose_among_feeds(run, www: Path, tmp_path: Path):
    with serving_files(FileServer(www)) as server:
        words = ("db", "fetch", "--from", table(tmp_path, server), "-o", "v.db", "--only")
        code, _, err = run(*words, "kev")
        assert (code, "crates" in err) == (0, False)
        code, out, err = run(*words, "debian")
    assert (code, out) == (2, "")
    assert err == "leadline: unknown feed: debian; known are crates, kev\n"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("feeds = 3", "not a table of feeds"),
        ("[feeds]\na = 'ftp://example.org/'", "a: invalid address 'ftp://example.org/'"),
        ("[feeds", "not a table of feeds"),
        ("[feeds]\n[other]", "not a table of feeds"),
    ],
)
def test_table_that_makes_no_sense_is_refused(run, tmp_path: Path, content: str, words: str):
    (tmp_path / "ours.toml").write_text(content)
    code, out, err = run("db", "fetch", "--from", "ours.toml")
    assert (code, out) == (2, "")
    assert words in err


def test_addresses_are_built_as_files_are(run, www: Path, tmp_path: Path):
    with serving_files(FileServer(www)) as server:
        code, out, err = run("db", "build", f"{server.address}kev.json", "www/crates.json", "-o", "v.db")
        assert (code, out) == (0, "")
        assert "CISA known exploited vulnerabilities (1)" in err
        assert "OSV (1)" in err
        code, _, err = run("db", "build", f"{server.address}none.json", "-o", "v.db")
    assert (code, err) == (3, "leadline: none: 127.0.0.1 answered 404\n")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".v.db")]


def test_own_table_names_each_feed_once_over_tls():
    found = read_feed_table()
    every = [*found.feeds.values(), *found.on_demand.values()]
    assert len(set(every)) == len(every)
    assert all(address.startswith("https://") for address in every)


def test_publishing_names_licences_that_forbid_it(run, tmp_path: Path):
    wolfi = {
        "apkurl": "{{urlprefix}}/{{reponame}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk",
        "archs": ["x86_64"],
    }
    wolfi |= {"reponame": "os", "urlprefix": "https://packages.wolfi.dev"}
    wolfi["packages"] = [{"pkg": {"name": "curl", "secfixes": {"8.1-r0": ["CVE-2024-1000"]}}}]
    (tmp_path / "security.json").write_text(json.dumps(wolfi))
    assert run("db", "build", "security.json", "-o", "v.db", "-q") == (0, "", "")
    code, _, err = run("db", "publish", "www", "--db", "v.db")
    assert code == 0
    assert "CC-BY-NC-ND-4.0: do not publish what is made of it to others" in err
