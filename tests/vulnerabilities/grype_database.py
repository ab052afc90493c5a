"""Writes databases in the form of Grype's schema 6, and the archives in which they are published."""

import hashlib
import io
import json
import sqlite3
import tarfile
from pathlib import Path
from typing import Any

import zstandard

TABLES = """
CREATE TABLE blobs(id INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE db_metadata(build_timestamp DATETIME NOT NULL, model INTEGER, revision INTEGER, addition INTEGER);
CREATE TABLE providers(id TEXT PRIMARY KEY, version TEXT, processor TEXT, date_captured DATETIME, input_digest TEXT);
CREATE TABLE vulnerability_handles(id INTEGER PRIMARY KEY, name TEXT, status TEXT, published_date DATETIME,
    modified_date DATETIME, withdrawn_date DATETIME, provider_id TEXT, blob_id INTEGER);
CREATE TABLE packages(id INTEGER PRIMARY KEY, ecosystem TEXT, name TEXT);
CREATE TABLE operating_systems(id INTEGER PRIMARY KEY, name TEXT, release_id TEXT, major_version TEXT, minor_version TEXT,
    label_version TEXT, codename TEXT, channel TEXT, eol_date DATETIME, eoas_date DATETIME);
CREATE TABLE affected_package_handles(id INTEGER PRIMARY KEY, vulnerability_id INTEGER, operating_system_id INTEGER,
    package_id INTEGER, blob_id INTEGER);
CREATE TABLE unaffected_package_handles(id INTEGER PRIMARY KEY, vulnerability_id INTEGER, operating_system_id INTEGER,
    package_id INTEGER, blob_id INTEGER);
CREATE TABLE cpes(id INTEGER PRIMARY KEY, part TEXT, vendor TEXT, product TEXT, edition TEXT, language TEXT,
    software_edition TEXT, target_hardware TEXT, target_software TEXT, other TEXT);
CREATE TABLE affected_cpe_handles(id INTEGER PRIMARY KEY, vulnerability_id INTEGER, cpe_id INTEGER, blob_id INTEGER);
CREATE TABLE known_exploited_vulnerability_handles(id INTEGER PRIMARY KEY, cve TEXT, blob_id INTEGER);
CREATE TABLE epss_handles(id INTEGER PRIMARY KEY, cve TEXT, epss REAL, percentile REAL);
"""
BUILT = "2026-06-30 06:12:01+00:00"


class GrypeDatabase:
    """One that is being written. Rows go in as Grype's own builder puts them."""

    def __init__(self, path: Path, *, built: str = BUILT, model: int = 6) -> None:
        self.path = path
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.executescript(TABLES)
        self._put("db_metadata", built, model, 1, 9)

    def provider(self, name: str, captured: str | None = "2026-06-30 00:00:00+00:00") -> None:
        self._put("providers", name, "1", "vunnel", captured, "xxh64:0")

    def system(self, name: str, major: str = "", minor: str = "", **more: str | None) -> int:
        label, channel, end = more.get("label", ""), more.get("channel", ""), more.get("end")
        return self._put("operating_systems", None, name, name, major, minor, label, "", channel, end, None)

    def advisory(self, name: str, provider: str, *, status: str = "active", **says: Any) -> int:
        withdrawn = says.pop("withdrawn", None)
        moments = ("2026-01-02 00:00:00+00:00", "2026-01-03 00:00:00+00:00", withdrawn)
        return self._put(
            "vulnerability_handles",
            None,
            name,
            status,
            *moments,
            provider,
            self.blob({"id": name.lower(), **says}),
        )

    def affected(self, advisory: int, type: str, name: str, system: int | None = None, **says: Any) -> None:
        self._package("affected", advisory, type, name, system, says)

    def unaffected(self, advisory: int, type: str, name: str, system: int | None = None, **says: Any) -> None:
        self._package("unaffected", advisory, type, name, system, says)

    def product(self, advisory: int, vendor: str, product: str, **says: Any) -> None:
        cpe = self._put("cpes", None, "a", vendor, product, "", "", "", "", says.pop("target", ""), "")
        self._put("affected_cpe_handles", None, advisory, cpe, self.blob(says))

    def exploited(self, cve: str, **says: Any) -> None:
        self._put("known_exploited_vulnerability_handles", None, cve, self.blob({"cve": cve, **says}))

    def chance(self, cve: str, chance: object, percentile: object) -> None:
        self._put("epss_handles", None, cve, chance, percentile)

    def blob(self, says: object) -> int:
        return self._put("blobs", None, says if isinstance(says, str | bytes) else json.dumps(says))

    def rewrite(self, blob: int, content: str | bytes) -> None:
        self._connection.execute("UPDATE blobs SET value = ? WHERE id = ?", (content, blob))

    def run(self, statement: str) -> None:
        self._connection.executescript(statement)

    def close(self) -> Path:
        self._connection.close()
        return self.path

    def _package(
        self, table: str, advisory: int, type: str, name: str, system: int | None, says: dict[str, Any]
    ) -> None:
        found = self._connection.execute(
            "SELECT id FROM packages WHERE ecosystem = ? AND name = ?", (type, name)
        ).fetchone()
        package = found[0] if found else self._put("packages", None, type, name)
        self._put(f"{table}_package_handles", None, advisory, system, package, self.blob(says))

    def _put(self, table: str, *values: object) -> int:
        places = ", ".join("?" * len(values))
        return self._connection.execute(f"INSERT INTO {table} VALUES({places})", values).lastrowid or 0


def span(constraint: str, fix: str = "", state: str = "") -> list[dict[str, Any]]:
    """``ranges`` with one range."""
    fixed = (
        {"fix": {"version": fix, "state": state or ("fixed" if fix else "not-fixed")}} if fix or state else {}
    )
    return [{"version": {"type": "", "constraint": constraint}, **fixed}]


def packed(database: Path, archive: Path, member: str = "vulnerability.db") -> Path:
    """The archive that is published."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        tar.add(database, member)
    archive.write_bytes(zstandard.compress(content.getvalue()))
    return archive


def published(database: Path, folder: Path, **more: str) -> Path:
    """What the project's host serves: the archive and the document that names it."""
    folder.mkdir(exist_ok=True)
    archive = packed(database, folder / "vulnerability-db_v6.1.9_2026-06-30T06:12:01Z_1.tar.zst")
    latest = {
        "status": "active",
        "schemaVersion": "v6.1.9",
        "built": "2026-06-30T06:12:01Z",
        "path": archive.name,
        "checksum": f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}",
    }
    (folder / "latest.json").write_text(json.dumps(latest | more))
    return archive


def sample(path: Path) -> Path:
    """A database with something of every kind that the real one has."""
    made = GrypeDatabase(path)
    for provider in ("alma", "debian", "epss", "github", "kev", "nvd", "rhel"):
        made.provider(provider)
    debian = made.system("debian", "12", end="2028-06-30 00:00:00+00:00")
    made.system("debian", "", label="unstable")
    glibc = made.advisory(
        "CVE-2024-1000", "debian", severities=[{"scheme": "CHMLN", "value": "high", "rank": 1}]
    )
    made.affected(glibc, "deb", "glibc", debian, ranges=span("< 2.36-9+deb12u7", "2.36-9+deb12u7"))
    open_one = made.advisory("CVE-2024-1001", "debian", severities=[{"scheme": "CHMLN", "value": "low"}])
    made.affected(open_one, "deb", "glibc", debian, ranges=span("", state="wont-fix"))
    jinja = made.advisory(
        "GHSA-h5c8-rqwp-cp95",
        "github",
        description="Jinja is vulnerable. It lets a template run code.",
        aliases=["CVE-2024-22195"],
        refs=[{"url": "https://github.com/advisories/GHSA-h5c8-rqwp-cp95"}],
        severities=[
            {
                "scheme": "CVSS",
                "value": {"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", "version": "3.1"},
            }
        ],
    )
    made.affected(jinja, "python", "Jinja2", ranges=span("<=3.1.2", "3.1.3"), cves=["CVE-2024-22195"])
    rhel8 = made.system("rhel", "8")
    rhel84, rhel86 = made.system("rhel", "8", "4"), made.system("rhel", "8", "6")
    eus = made.system("rhel", "8", "4", channel="eus")
    update = made.advisory("RHSA-2026:1", "rhel", aliases=["CVE-2026-1111", "CVE-2026-2222"])
    node = {
        "qualifiers": {"rpm_modularity": "nodejs:18"},
        "ranges": span("< 1:18.9.1-1.el8", "1:18.9.1-1.el8"),
    }
    for system in (rhel8, rhel84):
        made.affected(update, "rpm", "nodejs", system, **node)
    made.affected(
        update, "rpm", "nodejs", rhel86, **(node | {"ranges": span("< 1:18.9.0-9.el8_6", "1:18.9.0-9.el8_6")})
    )
    made.affected(
        update, "rpm", "nodejs", eus, **(node | {"ranges": span("< 1:18.8.0-4.el8_4", "1:18.8.0-4.el8_4")})
    )
    alma = made.system("almalinux", "8")
    fixes = made.advisory("ALSA-2026:7", "alma", aliases=["CVE-2026-7777"])
    made.unaffected(fixes, "rpm", "httpd", alma, ranges=span(">= 2.4.37-62.el8", state="fixed"))
    broken = made.advisory("GHSA-0000-0000-0000", "github")
    made.affected(broken, "npm", "left-pad", ranges=span("whatever it is, really"))
    made.affected(broken, "cobol-copybook", "ledger", ranges=span("< 2"))
    redis = made.advisory(
        "CVE-2025-9999",
        "nvd",
        severities=[{"value": {"vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}],
    )
    made.product(redis, "redis", "redis", ranges=span(">= 7.0, < 7.0.15", "7.0.15"))
    made.exploited("CVE-2025-9999", date_added="2025-05-01T00:00:00Z", known_ransomware_campaign_use="known")
    made.chance("CVE-2025-9999", 0.91, 0.99)
    return made.close()
