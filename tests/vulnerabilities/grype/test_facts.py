"""Grype's database as ours: who is affected by it, and what becomes of what makes no sense."""

from pathlib import Path

import pytest

from leadline.errors import DatabaseError
from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Matched
from leadline.vulnerabilities.database import Database
from leadline.vulnerabilities.database_builder import build_of_facts
from leadline.vulnerabilities.grype.facts import GrypeFacts
from leadline.vulnerabilities.grype.rows import grype_rows, is_grype_database
from leadline.vulnerabilities.match import match
from vulnerabilities.grype_database import GrypeDatabase, sample, span

DEBIAN = Distro("debian", "12")
RHEL = Distro("rhel", "8.4")


def converted(source: Path) -> tuple[Database, dict[str, int]]:
    target = source.with_suffix(".made")
    with grype_rows(source) as rows:
        read = GrypeFacts(rows)
        build_of_facts(read.facts(), target, built="2026-06-30T06:12:01Z", about=dict)
        return Database(target), dict(read.left_out)


def found(database: Database, distro: Distro, *packages: Package) -> Matched:
    return match(packages, distro, database)


def ids(matched: Matched) -> list[str]:
    return sorted(one.id for one in matched.matches)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return converted(sample(tmp_path / "grype.db"))[0]


def test_packages_of_distributions_and_languages(database: Database):
    glibc = Package("deb", "libc6", "2.36-9+deb12u4", source="glibc")
    jinja = Package("pypi", "jinja2", "3.1.2")
    matched = found(database, DEBIAN, glibc, jinja)
    assert {(one.id, one.severity, one.state, one.fixed_in) for one in matched.matches} == {
        ("CVE-2024-1000", "high", "fixed", ("2.36-9+deb12u7",)),
        ("CVE-2024-1001", "low", "wont fix", ()),
        ("CVE-2024-22195", "medium", "fixed", ("3.1.3",)),
    }
    (python,) = [one for one in matched.matches if one.package.type == "pypi"]
    assert python.aliases == ("GHSA-h5c8-rqwp-cp95",)
    assert python.summary == "Jinja is vulnerable. It lets a template run code."
    assert not found(database, DEBIAN, Package("pypi", "Jinja2", "3.1.3")).matches


def test_modules_and_minor_releases_of_red_hat(database: Database):
    def node(version: str, label: str) -> Package:
        return Package("rpm", "nodejs", version, qualifiers=(("modularitylabel", label),) if label else ())

    assert ids(found(database, RHEL, node("1:18.9.0-1.el8", "nodejs:18:1:2"))) == [
        "CVE-2026-1111",
        "CVE-2026-2222",
    ]
    assert not found(database, RHEL, node("1:18.9.1-1.el8", "nodejs:18:1:2")).matches
    assert not found(database, RHEL, node("1:18.9.0-1.el8", "nodejs:20:1:2")).matches
    # Its own line has the fix, with a lower number than that of the newest minor release.
    assert not found(database, RHEL, node("1:18.9.0-9.el8_6", "nodejs:18:1:2")).matches


def test_what_almalinux_lists_as_unaffected_is_its_fix(database: Database):
    alma = Distro("almalinux", "8.10")
    assert ids(found(database, alma, Package("rpm", "httpd", "2.4.37-56.el8"))) == ["CVE-2026-7777"]
    assert not found(database, alma, Package("rpm", "httpd", "2.4.37-62.el8")).matches


def test_programs_by_cpe_with_attacks_and_chances(database: Database):
    cpe = "cpe:2.3:a:redis:redis:7.0.5:*:*:*:*:*:*:*"
    (one,) = found(database, DEBIAN, Package("generic", "redis", "7.0.5", cpes=(cpe,))).matches
    assert (one.id, one.severity, one.how, one.fixed_in) == ("CVE-2025-9999", "critical", "CPE", ("7.0.15",))
    assert one.exploited is not None
    assert one.exploited.by_ransomware
    assert one.chance is not None
    assert one.chance.chance == 0.91


def test_distribution_says_until_when_it_is_maintained(database: Database):
    end = database.release_end("debian", "12")
    assert end is not None
    assert end.end == "2028-06-30"


def test_what_makes_no_sense_is_counted_and_costs_nothing_else(tmp_path: Path):
    _, left_out = converted(sample(tmp_path / "grype.db"))
    assert left_out == {"a constraint of another form": 1, "packages of the type 'cobol-copybook'": 1}


def test_rebuilds_of_others_say_nothing_of_the_original(tmp_path: Path):
    made = GrypeDatabase(tmp_path / "grype.db")
    made.provider("github")
    made.provider("chainguard-libraries")
    problem = made.advisory("GHSA-aaaa-bbbb-cccc", "github")
    made.affected(problem, "python", "flask", ranges=span("< 3.0", "3.0"))
    rebuilt = made.advisory("CGA-aaaa-bbbb-cccc", "chainguard-libraries", aliases=["GHSA-aaaa-bbbb-cccc"])
    made.unaffected(rebuilt, "python", "flask", ranges=span("= 2.0+cgr.1", state="fixed"))
    made.unaffected(rebuilt, "python", "flask", ranges=span(">= 2.0+cgr.1", state="fixed"))
    database, left_out = converted(made.close())
    assert ids(found(database, DEBIAN, Package("pypi", "flask", "2.1"))) == ["GHSA-aaaa-bbbb-cccc"]
    assert not found(database, DEBIAN, Package("pypi", "flask", "2.0+cgr.1")).matches
    assert left_out == {"ranges of unaffected language packages, by chainguard-libraries": 1}


def test_distribution_that_is_not_affected_takes_its_match_away(tmp_path: Path):
    made = GrypeDatabase(tmp_path / "grype.db")
    made.provider("rhel")
    system = made.system("rhel", "8")
    problem = made.advisory("CVE-2026-3333", "rhel")
    made.affected(problem, "rpm", "bash", system, ranges=span("", state="not-fixed"))
    made.unaffected(problem, "rpm", "zsh", system, ranges=span("", state="not-affected"))
    database, _ = converted(made.close())
    packages = [Package("rpm", name, "1-1") for name in ("bash", "zsh")]
    assert [one.package.name for one in found(database, RHEL, *packages).matches] == ["bash"]


@pytest.mark.parametrize(
    ("name", "blob"),
    [
        ("CVE-2026-4444", "{"),
        ("CVE-2026-4444", "[" * 100_000),
        ("CVE-2026-4444", b"\xff\xfe"),
        ("CVE-2026-4444", '{"aliases": 7}'),
        ("not an id; really", '{"id": "x"}'),
    ],
)
def test_advisory_that_cannot_be_read_is_counted(tmp_path: Path, name: str, blob: str | bytes):
    made = GrypeDatabase(tmp_path / "grype.db")
    made.provider("github")
    broken = made.advisory(name, "github")
    made.affected(broken, "npm", "left-pad", ranges=span("< 2", "2"))
    made.rewrite(1, blob)
    good = made.advisory("GHSA-aaaa-bbbb-cccc", "github")
    made.affected(good, "npm", "left-pad", ranges=span("< 2", "2"))
    database, left_out = converted(made.close())
    assert ids(found(database, DEBIAN, Package("npm", "left-pad", "1.0.0"))) == ["GHSA-aaaa-bbbb-cccc"]
    assert sum(left_out.values()) == 1


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE packages", "no table packages"),
        (
            "DROP TABLE packages; CREATE VIEW packages AS SELECT 1 id, '' ecosystem, '' name",
            "no table packages",
        ),
        ("UPDATE db_metadata SET model = 7", "has schema 7.1.9"),
        ("DELETE FROM db_metadata", "not finished"),
        ("ALTER TABLE vulnerability_handles DROP COLUMN status", "damaged"),
    ],
)
def test_file_of_another_form_is_refused(tmp_path: Path, statement: str, words: str):
    made = GrypeDatabase(tmp_path / "grype.db")
    made.run(statement)
    with pytest.raises(DatabaseError, match=words):
        converted(made.close())


def test_other_files_are_not_taken_for_it(tmp_path: Path, database: Database):
    (tmp_path / "text").write_text("SQLite format 3, they say")
    (tmp_path / "cut").write_bytes((tmp_path / "grype.db").read_bytes()[:1000])
    assert [is_grype_database(tmp_path / name) for name in ("grype.db", "text", "cut", "none")] == [
        True,
        False,
        False,
        False,
    ]
    assert not is_grype_database(database.path)
