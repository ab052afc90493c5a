"""``leadline scan image`` with a database of vulnerabilities, and ``leadline db``."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import leadline
from image_archives import docker_archive, layer
from leadline.model.vulnerability import Exploited, Fact, FeedDate
from vulnerabilities.matching.made_database import advisory, build_of

pytestmark = pytest.mark.usefixtures("own_image_place")

FILES: dict[str, bytes | str | None] = {
    "etc/os-release": b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
    "var/lib/dpkg/status": b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nArchitecture: amd64\nSource: glibc\n",
    "srv/node_modules/ms/package.json": b'{"name": "ms", "version": "2.0.0", "license": "MIT"}',
}
FACTS: list[Fact] = [
    advisory("CVE-2024-1000", "Debian:12", "glibc", fixed="2.36-9+deb12u7", severity="high"),
    advisory("CVE-2024-2000", "Debian:12", "glibc", state="wont fix", severity="low"),
    Exploited("CVE-2024-1000", "2024-01-02"),
    FeedDate("2026-06-30"),
]


@pytest.fixture
def archive(tmp_path: Path) -> str:
    docker_archive(tmp_path / "web.tar", [layer(FILES)], User="1000")
    return "web.tar"


@pytest.fixture
def database(tmp_path: Path) -> str:
    build_of(tmp_path / "v.db", {"debian": FACTS})
    return "v.db"


def test_vulnerabilities_come_first_with_what_was_not_matched(run, archive, database):
    code, out, err = run("scan", "image", archive, "--db", database)
    assert (code, err) == (0, "")
    assert out == (
        "web.tar   debian 12, maintained until 2028-06-30, linux/amd64, 1 layer, 1 MB\n"
        "\n"
        "high        libc6  2.36-9 -> 2.36-9+deb12u7\n"
        "  1 high, 1 low; 1 without a fix: CVE-2024-1000 (exploited), CVE-2024-2000\n"
        "\n"
        "deb            1\n"
        "npm            1   ms 2.0.0\n"
        "database    1 feed, of 2026-06-30\n"
        "not read       0\n"
        "not done    1 package of npm not matched: no feed of the database speaks of them\n"
        "more        -v shows every place and what to do about it\n"
        "\n"
        "2 vulnerabilities: 1 high, 1 low; no other findings; not everything was matched\n"
    )


def test_the_usual_database_needs_no_word(run, archive, tmp_path):
    folder = tmp_path / ".local/share/leadline"
    folder.mkdir(parents=True)
    build_of(folder / "vulnerabilities.db", {"debian": FACTS})
    _, out, _ = run("scan", "image", archive)
    assert "CVE-2024-1000" in out


@pytest.mark.parametrize(("threshold", "code"), [("low", 1), ("high", 1), ("critical", 0)])
def test_a_gate_counts_vulnerabilities(run, archive, database, threshold, code):
    assert run("scan", "image", archive, "--db", database, "--severity-threshold", threshold)[0] == code


def test_what_has_no_fix_can_be_left_out_and_then_fails_no_gate(run, archive, database):
    code, out, _ = run(
        "scan", "image", archive, "--db", database, "--only-fixable", "--severity-threshold", "low"
    )
    assert code == 1
    assert "CVE-2024-2000" not in out
    assert "failed: --severity-threshold low, 1 finding at or above it" in out


def test_a_database_that_is_too_old_is_refused(run, archive, tmp_path):
    build_of(
        tmp_path / "old.db",
        {"debian": [advisory("CVE-2020-1000", "Debian:12", "glibc", modified="2020-01-01")]},
    )
    code, out, err = run("scan", "image", archive, "--db", "old.db", "--max-db-age", "30")
    assert (code, out) == (3, "")
    assert err.startswith("leadline: the vulnerability database is of 2020-01-01, ")
    assert err.endswith("at most 30 are allowed; fetch or build a newer one, or allow an older one\n")


def test_a_feed_without_a_date_is_too_old_for_any_limit_and_named_without_one(run, archive, tmp_path):
    facts = [advisory("CVE-2020-1000", "Debian:12", "glibc", fixed="2")]
    build_of(tmp_path / "v.db", {"debian": FACTS, "echo": facts})
    code, out, err = run("scan", "image", archive, "--db", "v.db", "--max-db-age", "100000")
    assert (code, out) == (3, "")
    assert err == (
        "leadline: how old the feed echo is, is not known; at most 100000 days are allowed; "
        "ask for no age, or build the database without that feed\n"
    )
    document = json.loads(run("scan", "image", archive, "--db", "v.db", "-f", "json")[1])
    assert "how old the feed echo is, is not known" in document["notJudged"]


def test_a_named_database_that_is_not_there_is_an_error(run, archive):
    code, out, err = run("scan", "image", archive, "--db", "none.db")
    assert (code, out) == (3, "")
    assert err.startswith("leadline: none.db: vulnerability database not found")


def test_the_state_of_a_database_is_a_table_and_json(run, database):
    code, out, _ = run("db", "status", "--db", database)
    assert code == 0
    assert "debian          3  2026-06-30" in out
    assert out.endswith("1 feed, 3 records\n")
    _, out, _ = run("db", "status", "--db", database, "--format", "json")
    assert json.loads(out)["feeds"][0]["name"] == "debian"


def test_a_database_is_imported_only_where_it_is_whole(run, database, tmp_path):
    assert run("db", "import", database)[0] == 0
    usual = tmp_path / ".local/share/leadline/vulnerabilities.db"
    assert usual.read_bytes() == Path(database).read_bytes()
    Path("short.db").write_bytes(Path(database).read_bytes()[:9000])
    code, _, err = run("db", "import", "short.db")
    assert (code, err.startswith("leadline: short.db: cut short")) == (3, True)
    assert usual.read_bytes() == Path(database).read_bytes()
    assert [path.name for path in usual.parent.iterdir()] == ["vulnerabilities.db"]


def test_a_file_that_is_no_feed_makes_no_database(run, tmp_path):
    (tmp_path / "page.html").write_text("<html>not found</html>")
    code, _, err = run("db", "build", "page.html", "-o", "new.db")
    assert (code, err) == (
        3,
        "leadline: no advisories in what was given: page.html: a web page, no feed\n",
    )
    assert not Path("new.db").exists()


def test_a_feed_that_is_not_there_is_the_users_error(run):
    code, _, err = run("db", "build", "missing.zip", "-o", "new.db")
    assert (code, err) == (2, "leadline: missing.zip: file or folder not found\n")


def test_a_database_is_made_of_feeds_as_they_are_published(run, archive, tmp_path):
    record = {
        "schema_version": "1.3.1",
        "id": "GHSA-1111-2222-3333",
        "modified": "2026-06-01T00:00:00Z",
        "published": "2026-05-01T00:00:00Z",
        "aliases": ["CVE-2026-1000"],
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": "ms"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.1"}]}],
            }
        ],
        "database_specific": {"severity": "HIGH", "github_reviewed": True},
    }
    listing = {
        "cveID": "CVE-2026-1000",
        "dateAdded": "2026-06-02",
        "dueDate": "2026-06-23",
        "knownRansomwareCampaignUse": "Known",
    }
    kev = {
        "title": "KEV",
        "catalogVersion": "2026.06.02",
        "dateReleased": "2026-06-02T00:00:00Z",
        "vulnerabilities": [listing],
    }
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds/osv.jsonl").write_text(json.dumps(record) + "\n")
    (tmp_path / "feeds/kev.json").write_text(json.dumps(kev))
    (tmp_path / "feeds/README").write_text("notes")
    code, _, err = run("db", "build", "feeds")
    assert code == 0
    assert "not read: feeds/README: no feed has this format\n" in err
    assert "1 document taken for CISA known exploited vulnerabilities: 1 record, of 2026-06-02\n" in err
    _, out, _ = run("scan", "image", archive)
    assert "high        ms  2.0.0 -> 2.0.1\n  CVE-2026-1000 (exploited)\n" in out
    assert "1 package of Debian 12 not matched" in out


def test_vex_takes_away_what_it_says_and_can_be_written(run, archive, database, tmp_path):
    _, out, _ = run("scan", "image", archive, "--db", database, "--format", "openvex")
    document = json.loads(out)
    assert [one["status"] for one in document["statements"]] == ["affected", "affected"]
    for statement in document["statements"]:
        statement |= {"status": "not_affected", "justification": "vulnerable_code_not_present"}
    (tmp_path / "vex.json").write_text(json.dumps(document))
    code, out, _ = run(
        "scan", "image", archive, "--db", database, "--vex", "vex.json", "--severity-threshold", "low"
    )
    assert code == 0
    assert "suppressed  2 (2 by VEX)\n" in out


LOADED = {
    "paths.txt": "# opened\n/usr/lib/x86_64-linux-gnu/libc.so.6\n",
    "profile.json": json.dumps(
        {
            "kind": "ApplicationProfile",
            "spec": {
                "containers": [{"opens": [{"path": "/usr/lib/x86_64-linux-gnu/libc.so.6", "flags": []}]}]
            },
        }
    ),
    "sbom.json": json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "components": [
                {
                    "type": "library",
                    "name": "libc6",
                    "version": "2.36-9",
                    "purl": "pkg:deb/debian/libc6@2.36-9",
                }
            ],
        }
    ),
}


@pytest.mark.parametrize("name", LOADED)
def test_what_was_loaded_comes_first(run, tmp_path, name):
    files = {
        **FILES,
        "var/lib/dpkg/status": f"{FILES['var/lib/dpkg/status'].decode()}\n"
        "Package: bash\nStatus: install ok installed\nVersion: 5.2\nArchitecture: amd64\n".encode(),
        "var/lib/dpkg/info/libc6.list": b"/lib/x86_64-linux-gnu/libc.so.6\n",
        "var/lib/dpkg/info/bash.list": b"/bin/bash\n",
    }
    docker_archive(tmp_path / "two.tar", [layer(files)])
    facts = [
        advisory("CVE-2024-1", "Debian:12", "glibc", fixed="2.37", severity="low"),
        advisory("CVE-2024-2", "Debian:12", "bash", fixed="5.3", severity="critical"),
        FeedDate("2026-06-30"),
    ]
    build_of(tmp_path / "v.db", {"debian": facts})
    (tmp_path / name).write_text(LOADED[name])
    plain = json.loads(run("scan", "image", "two.tar", "--db", "v.db", "-f", "json")[1])["vulnerabilities"]
    words = ("scan", "image", "two.tar", "--db", "v.db", "-f", "json", "--loaded", name)
    found = json.loads(run(*words)[1])["vulnerabilities"]
    assert [(one["id"], one.get("loaded")) for one in plain] == [("CVE-2024-2", None), ("CVE-2024-1", None)]
    assert [(one["id"], one["loaded"]) for one in found] == [("CVE-2024-1", True), ("CVE-2024-2", False)]
    assert found[0]["why"] == "it was loaded at run time; it is rated low; 2.37 fixes it"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "nothing is said to be loaded"),
        (b"# none\n", "nothing is said to be loaded"),
        (b"lib/a\n", "line 1 is not an absolute path: lib/a"),
        (b"/a\0", "neither text nor JSON"),
        (b"{}", "x is not an SBOM, and no profile either"),
        (b'{"kind": "ContainerProfile", "spec": {}}', "nothing is said to be loaded"),
    ],
)
def test_a_list_of_what_was_loaded_that_is_none_is_the_users_error(run, archive, tmp_path, content, message):
    (tmp_path / "x").write_bytes(content)
    code, out, err = run("scan", "image", archive, "--loaded", "x")
    assert (code, out) == (2, "")
    assert err.startswith("leadline: x")
    assert message in err
    assert err.count("\n") == 1


def test_what_was_loaded_is_about_one_image(run, archive):
    code, _, err = run("scan", "image", archive, "other.tar", "--loaded", "x")
    assert (code, err) == (2, "leadline: --loaded is about one image; scan that image for itself\n")


def test_a_vex_document_that_is_none_is_the_users_error(run, archive, database, tmp_path):
    (tmp_path / "vex.json").write_text("<html>")
    code, _, err = run("scan", "image", archive, "--db", database, "--vex", "vex.json")
    assert (code, err.startswith("leadline: vex.json: not a VEX document that can be read")) == (2, True)


def test_a_vulnerability_is_explained_out_of_the_database(run, database):
    code, out, _ = run("explain", "cve-2024-1000", "--db", database)
    assert code == 0
    assert out == (
        "CVE-2024-1000   high\n"
        "\n"
        "exploited   listed 2024-01-02\n"
        "source      debian CVE-2024-1000\n"
        "affects     Debian:12 glibc < 2.36-9+deb12u7\n"
    )


def test_an_unknown_vulnerability_and_no_database_are_errors(run, database):
    assert run("explain", "CVE-1999-0001", "--db", database) == (
        2,
        "",
        "leadline: no feed of the vulnerability database knows CVE-1999-0001\n",
    )
    assert run("explain", "CVE-1999-0001")[0] == 3


@pytest.fixture
def newer(tmp_path: Path) -> str:
    status = FILES["var/lib/dpkg/status"]
    assert isinstance(status, bytes)
    files = {name: content for name, content in FILES.items() if not name.startswith("srv/")}
    files["var/lib/dpkg/status"] = status.replace(b"2.36-9", b"2.36-9+deb12u7")
    docker_archive(tmp_path / "newer.tar", [layer(files)], User="1000")
    return "newer.tar"


def test_two_images_are_compared(run, archive, newer, database):
    code, out, err = run("image", "diff", archive, newer, "--db", database)
    assert (code, err) == (0, "")
    assert out == (
        "web.tar -> newer.tar\n"
        "\n"
        "fixed  high        CVE-2024-1000  libc6 2.36-9\n"
        "\n"
        "~ deb libc6 2.36-9 -> 2.36-9+deb12u7\n"
        "- npm ms 2.0.0\n"
        "\n"
        "2 packages changed; 1 fixed: 1 high; 0 new; 1 stayed\n"
    )


def test_only_new_vulnerabilities_fail_a_comparison(run, archive, newer, database):
    words = ("--db", database, "--severity-threshold", "low")
    assert run("image", "diff", archive, newer, *words)[0] == 0
    assert run("image", "diff", newer, archive, *words)[0] == 1
    assert run("image", "diff", newer, archive, "--severity-threshold", "low")[0] == 3


def test_a_comparison_without_a_database_does_not_say_that_nothing_is_new(run, archive, newer):
    _, out, _ = run("image", "diff", archive, newer, "--format", "json")
    found = json.loads(out)
    assert (found["new"], found["fixed"], len(found["packages"])) == (None, None, 2)
    _, out, _ = run("image", "diff", archive, newer)
    assert out.endswith("2 packages changed; vulnerabilities not matched\n")


def test_packages_that_no_feed_speaks_of_can_fail_the_command(run, archive, database):
    code, out, _ = run("scan", "image", archive, "--db", database, "--fail-on", "unmatched")
    assert (code, out.splitlines()[-1]) == (1, "failed: --fail-on unmatched, 1 package not matched")
    code, out, _ = run("scan", "image", archive, "--fail-on", "unmatched")
    assert (code, out.splitlines()[-1]) == (1, "failed: --fail-on unmatched, 2 packages not matched")


def test_a_full_disk_is_told_with_what_could_not_be_written(archive, database):
    command = [sys.executable, "-m", "leadline.programs.cli.main", "scan", "image", archive, "--db", database]
    environ = {**os.environ, "PYTHONPATH": str(Path(leadline.__file__).parents[1])}
    with Path("/dev/full").open("w") as stream:
        done = subprocess.run(
            [*command, "-q"], env=environ, stdout=stream, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (
        3,
        "leadline: cannot write standard output: no space left on device\n",
    )


def test_a_full_disk_leaves_the_old_database(database, tmp_path):
    records = [
        {
            "id": f"GHSA-{number:04}-2222-3333",
            "modified": "2026-06-01T00:00:00Z",
            "affected": [
                {
                    "package": {"ecosystem": "npm", "name": f"p{number}"},
                    "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.0.0"}]}],
                }
            ],
        }
        for number in range(2000)
    ]
    (tmp_path / "osv.jsonl").write_text("\n".join(map(json.dumps, records)))
    before = Path(database).read_bytes()
    words = (
        f"ulimit -f 40; exec {sys.executable} -m leadline.programs.cli.main db build osv.jsonl -o {database}"
    )
    ended = subprocess.run(
        ["bash", "-c", words],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env=child_environment(),
    )
    assert ended.returncode == 3, ended.stderr
    assert f"leadline: {database}: cannot be written" in ended.stderr
    assert Path(database).read_bytes() == before
    assert list(tmp_path.glob(".*.part")) == []


def child_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_a_database_that_others_can_write_to_is_not_believed_unless_it_is_named(
    run, archive, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv("LEADLINE_DB", raising=False)
    usual = tmp_path / "data/leadline/vulnerabilities.db"
    usual.parent.mkdir(parents=True)
    build_of(usual, {"debian": FACTS})
    usual.parent.chmod(0o777)
    assert run("scan", "image", archive) == (
        3,
        "",
        f"leadline: {usual.parent} is not used: others than its owner can write to it (mode 777); "
        "make it yours alone, or name it with --db\n",
    )
    assert run("scan", "image", archive, "--db", str(usual))[0] == 0
    usual.parent.chmod(0o755)
    assert run("scan", "image", archive)[0] == 0


def test_without_a_cache_it_is_remembered_that_a_database_is_whole_and_nothing_of_the_image(
    run, archive, database, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for words in ((), ("--no-cache",), ()):
        if "--no-cache" in words:
            shutil.rmtree(tmp_path / "cache")
        assert run("scan", "image", archive, "--db", database, *words)[0] == 0
        kept = [one.read_bytes() for one in (tmp_path / "cache/leadline/layers").iterdir()]
        assert sum(one.endswith(b"whole") for one in kept) == 1
        assert (len(kept) > 1) == (not words)
    content = bytearray(Path(database).read_bytes())
    content[-100] ^= 255
    Path(database).write_bytes(content)
    assert run("scan", "image", archive, "--db", database, "--no-cache")[0] == 3


def test_a_damaged_database_is_named_as_the_user_named_it(run, database: str):
    content = bytearray(Path(database).read_bytes())
    content[-100] ^= 255
    Path("damaged.db").write_bytes(content)
    Path("e.cdx.json").write_text(
        '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}', "utf-8"
    )
    for command in (
        ("db", "import", "damaged.db"),
        ("db", "status", "--db", "damaged.db"),
        ("explain", "CVE-2024-1000", "--db", "damaged.db"),
        ("scan", "image", "e.cdx.json", "--db", "damaged.db"),
    ):
        code, _, err = run(*command)
        assert code == 3
        assert "leadline: damaged.db: damaged (its checksum is another); copy it again whole" in err


def test_habits_of_other_scanners_do_what_they_do_there(run, archive, database):
    def scan(*words: str) -> tuple[int, str, str]:
        return run("scan", "image", archive, "--db", database, *words)

    assert scan("--exit-code", "7")[0] == 7
    assert scan("--exit-code", "7", "--severity", "CRITICAL")[0] == 0
    code, out, _ = scan("--exit-code", "7", "--severity", "HIGH,CRITICAL")
    assert code == 7
    assert "CVE-2024-1000" in out
    assert "CVE-2024-2000" not in out
    assert "1 vulnerability of other severities left out" in out
    for flag in ("--ignore-unfixed", "--only-fixed", "--only-fixable"):
        code, out, _ = scan(flag)
        assert code == 0
        assert "CVE-2024-2000" not in out
        assert "1 vulnerability without a fix left out" in out


def test_what_a_severity_leaves_out_is_counted(run, tmp_path, database):
    docker_archive(tmp_path / "root.tar", [layer(FILES)], User="")
    code, out, _ = run("scan", "image", "root.tar", "--db", database, "--severity", "CRITICAL")
    assert (code, "Runs as root" in out) == (0, False)
    assert (
        "2 vulnerabilities of other severities left out\n            1 finding of other severities left out"
        in out
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--severity", "GRAVE"), "--severity must be one of critical, high, "),
        (("--exit-code", "256"), "--exit-code must be between 0 and 255 (got 256)"),
    ],
)
def test_values_that_no_habit_has_are_refused(run, archive, database, words, expected):
    code, out, err = run("scan", "image", archive, "--db", database, *words)
    assert (code, out) == (2, "")
    assert expected in err


def test_exit_code_needs_a_database(run, archive):
    code, _, err = run("scan", "image", archive, "--exit-code", "1", "-q")
    assert (code, "--exit-code cannot be judged without a vulnerability database" in err) == (3, True)


def test_licence_that_is_not_wanted_fails(run, tmp_path):
    components = [
        {"type": "library", "name": name, "version": "1", "purl": f"pkg:pypi/{name}@1", "licenses": licences}
        for name, licences in (
            ("a", [{"license": {"id": "AGPL-3.0-only"}}]),
            ("b", [{"expression": "MIT OR AGPL-3.0-only"}]),
            ("c", []),
        )
    ]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components}
    (tmp_path / "sbom.json").write_text(json.dumps(document))
    code, out, _ = run("scan", "image", "sbom.json", "--deny-licence", "agpl-*")
    assert code == 1
    assert "a 1: AGPL-3.0-only" in out
    assert "b 1: " not in out
    assert "packages that state no licence: 1" in out
    assert "failed: --deny-licence, 1 package under such a licence" in out
    code, out, _ = run("scan", "image", "sbom.json", "--deny-license", "GPL-3.0-only")
    assert code == 0
    assert "passed: --deny-licence" in out
    code, out, _ = run(
        "scan", "image", "sbom.json", "--deny-licence", "AGPL-3,AGLP", "--severity", "critical"
    )
    assert code == 1
    assert "a 1: AGPL-3.0-only" in out
    assert "AGLP is not in SPDX's list of licences" in " ".join(out.split())


def test_files_of_other_scanners_change_nothing_and_are_named(run, archive, database, tmp_path):
    (tmp_path / ".trivyignore").write_text("CVE-2024-1000\n")
    (tmp_path / "images").mkdir()
    (tmp_path / "images/.grype.yaml").write_text("ignore: []\n")
    (tmp_path / archive).rename(tmp_path / "images" / archive)
    code, out, _ = run("scan", "image", f"images/{archive}", "--db", database, "-f", "json")
    found = json.loads(out)
    assert (code, "CVE-2024-1000" in {one["id"] for one in found["vulnerabilities"]}) == (0, True)
    assert [one for one in found["notJudged"] if "migrate" in one] == [
        ".trivyignore: what Trivy leaves out counts here; leadline migrate takes it over",
        "images/.grype.yaml: what Grype leaves out counts here; leadline migrate takes it over",
    ]
