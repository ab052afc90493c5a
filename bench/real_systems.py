"""Builds root file systems with the package managers' own programs, and compares what Trivy and Leadline find in them.

    python bench/real_systems.py FOLDER TRIVY ALMALINUX.jsonl.zst

Needs root, and Debian's mmdebstrap, rpm and db5.3-util. Of Debian: a minimal system, one without package lists as distroless
images have it. Of AlmaLinux: packages with the names and versions of its updates, installed into each of the three kinds of
database that rpm had. Debian 12's rpm knows SQLite alone: for ndb that of Debian 13 runs in a system of its own, which is looked at too.
No rpm writes the oldest any more, Berkeley DB, so its headers are loaded with that library's own program. Not to be had where only
registries of packages are reached: systems of Alpine, Ubuntu, RHEL and SUSE; ``rpm_databases.py`` reads databases of the last two.
FOLDER keeps the systems between runs. Advisories of Debian are made out of the changelogs of the system itself: what
they name as fixed is fixed, but every third is moved to a version behind the installed one.
"""

import gzip
import json
import random
import re
import shutil
import sqlite3
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from image_speed import java_database
from trivy_agreement import advisories
from trivy_database import write_trivy_database

from leadline.model.vulnerability import Advisory, Affected, VersionRange
from leadline.vulnerabilities.database_builder import build
from leadline.vulnerabilities.feed import Document, Feed

INCLUDED = "ca-certificates,python3,python3-yaml,nginx-light,curl,git,ruby,openssl,vim-tiny"
RPMS = 120
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")
_ENTRY = re.compile(r"^(\S+) \((\S+)\)")
_SPEC = """
Name: bench-source
Version: 1
Release: 1
Summary: x
License: x
BuildArch: noarch
%description
x
"""
_PACKAGE = """
%package -n {name}
{epoch}Version: {version}
Release: {release}
{label}Summary: x
%description -n {name}
x
%files -n {name}
"""
Found = set[tuple[str, ...]]


def main() -> None:
    folder, trivy, feed = Path(sys.argv[1]).resolve(), sys.argv[2], Path(sys.argv[3])
    folder.mkdir(parents=True, exist_ok=True)
    debian_root = debian(folder / "debian")
    of_debian = [*debian_facts(debian_root)]
    of_alma = list(advisories([feed]))
    systems = {
        "Debian": (debian_root, of_debian),
        "Debian, as distroless has it": (distroless(folder / "distroless", debian_root), of_debian),
    }
    newer = debian(folder / "newer", "trixie", "rpm")
    systems["Debian 13, with rpm"] = newer, [*debian_facts(newer, "13")]
    for kind in ("sqlite", "ndb", "bdb"):
        systems[f"AlmaLinux 9, {kind}"] = (alma(folder / kind, kind, of_alma), of_alma)
    for title, (root, facts) in systems.items():
        compare(title, root, facts, trivy, folder / "cache")


def debian(root: Path, release: str = "bookworm", included: str = INCLUDED) -> Path:
    if not root.exists():
        options = ["--mode=root", "--variant=minbase", f"--include={included}"]
        subprocess.run(["mmdebstrap", *options, release, str(root)], check=True)
    return root


def debian_facts(root: Path, release: str = "12") -> Iterator[Advisory]:
    """What the changelogs name as fixed, of the source packages that are installed."""
    seen: set[tuple[str, str]] = set()
    chance = random.Random(20260630)
    for log in sorted(root.glob("usr/share/doc/*/changelog.Debian.gz")):
        source = newest = version = ""
        for line in gzip.decompress(log.read_bytes()).decode("utf-8", "replace").splitlines():
            if entry := _ENTRY.match(line):
                source, version = entry[1], entry[2]
                newest = newest or version
            for cve in _CVE.findall(line):
                if version and (source, cve) not in seen:
                    seen.add((source, cve))
                    fixed = f"{newest}.1" if chance.random() < 1 / 3 else version
                    yield Advisory(
                        cve, (Affected("Debian", source, release, ranges=(VersionRange(fixed=fixed),)),)
                    )


def distroless(root: Path, whole: Path) -> Path:
    """One file for each package, and none of dpkg's own."""
    if not root.exists():
        folder = root / "var/lib/dpkg/status.d"
        folder.mkdir(parents=True)
        (root / "etc").mkdir()
        for name in ("os-release", "debian_version"):
            shutil.copy(whole / "etc" / name, root / "etc" / name)
        paragraphs = (whole / "var/lib/dpkg/status").read_text("utf-8").strip().split("\n\n")
        for paragraph in paragraphs[:60]:
            name = paragraph.partition("\n")[0].removeprefix("Package: ")
            (folder / name).write_text(paragraph + "\n", "utf-8")
    return root


def alma(root: Path, kind: str, facts: list[Advisory]) -> Path:
    if root.exists():
        return root
    (root / "etc").mkdir(parents=True)
    (root / "etc/os-release").write_text('ID="almalinux"\nVERSION_ID="9.4"\nPRETTY_NAME="AlmaLinux 9.4"\n')
    (root / "etc/almalinux-release").write_text("AlmaLinux release 9.4 (Seafoam Ocelot)\n")
    rpms = built_rpms(root.with_name("rpms"), facts)
    if kind == "ndb":
        newer = root.with_name("newer")
        shutil.copytree(rpms, newer / "rpms", dirs_exist_ok=True)
        within = ["chroot", str(newer)]
        install(
            within, "/made", "/usr/lib/sysimage/rpm", kind, [f"/rpms/{one.name}" for one in rpms.iterdir()]
        )
        shutil.move(newer / "made/usr", root)
    else:
        install([], str(root), "/var/lib/rpm", "sqlite", list(map(str, rpms.iterdir())))
    if kind == "bdb":
        load_into_berkeley(root / "var/lib/rpm")
    return root


def built_rpms(folder: Path, facts: list[Advisory]) -> Path:
    if not folder.exists():
        folder.mkdir()
        spec = folder.with_suffix(".spec")
        spec.write_text(_SPEC + "".join(packages(facts)), "utf-8")
        defined = ["-D", f"_rpmdir {folder}", "-D", "_rpmfilename %%{NAME}.rpm"]
        subprocess.run(["rpmbuild", "-bb", *defined, str(spec)], check=True, capture_output=True)
    return folder


def install(within: list[str], root: str, place: str, kind: str, rpms: list[str]) -> None:
    options = ["--root", root, "--dbpath", place, "-D", f"_db_backend {kind}", "--nodeps", "--noscripts"]
    subprocess.run([*within, "mkdir", "-p", root + place], check=True)
    subprocess.run(
        [*within, "rpm", *options, "--justdb", "-i", *sorted(rpms)], check=True, capture_output=True
    )


def packages(facts: list[Advisory]) -> Iterator[str]:
    chance = random.Random(20260630)
    rows = [
        (each.package, each.ranges[0].fixed, each.module)
        for fact in facts
        for each in fact.affected
        if each.release == "9" and each.ranges and each.ranges[0].fixed
    ]
    seen: set[str] = set()
    while len(seen) < RPMS:
        name, fixed, module = chance.choice(rows)
        if name in seen or name.startswith("kernel"):
            continue
        seen.add(name)
        epoch, colon, rest = fixed.rpartition(":")
        version, _, release = rest.rpartition("-")
        yield _PACKAGE.format(
            name=name,
            epoch=f"Epoch: {epoch}\n" if colon else "",
            version=version,
            release=release,
            label=f"ModularityLabel: {module}:9040020240101:abc\n" if module else "",
        )


def load_into_berkeley(folder: Path) -> None:
    """As rpm kept it: a hash from the number of a header, in the order of the machine, to the header."""
    with sqlite3.connect(folder / "rpmdb.sqlite") as database:
        rows = database.execute("SELECT hnum, blob FROM Packages ORDER BY hnum").fetchall()
    rows.insert(0, (0, struct.pack("=I", rows[-1][0] + 1)))
    text = "VERSION=3\nformat=bytevalue\ntype=hash\ndb_pagesize=4096\nHEADER=END\n"
    text += "".join(f" {struct.pack('=I', number).hex()}\n {blob.hex()}\n" for number, blob in rows)
    done = ["db5.3_load", "-f", "/dev/stdin", str(folder / "Packages")]
    subprocess.run(done, input=(text + "DATA=END\n").encode(), check=True)
    for path in folder.glob("rpmdb.sqlite*"):
        path.unlink()


def compare(title: str, root: Path, facts: list[Advisory], trivy: str, cache: Path) -> None:
    cache.mkdir(exist_ok=True)
    write_trivy_database(facts, cache)
    java_database(cache / "java-db")
    database = cache / "ours.db"
    feed = Feed("facts", "Facts", lambda _: True, lambda _: iter(facts))
    build([Document("facts", b"")], [feed], database, built="2026-06-30T00:00:00Z")
    mine, theirs = ours(root, database), of_trivy(trivy, root, cache)
    for what, own, other in zip(("packages", "vulnerabilities"), mine, theirs, strict=True):
        print(
            f"{title}: {what}: {len(own):,} by Leadline, {len(other):,} by Trivy, {len(own & other):,} by both"
        )
        for alone, some in (("Leadline", own - other), ("Trivy", other - own)):
            for one in sorted(some)[:10]:
                print(f"    {alone} alone: {' '.join(one)}")


def ours(root: Path, database: Path) -> tuple[Found, Found]:
    leadline_ = str(Path(sys.executable).with_name("leadline"))
    sbom = answer([leadline_, "image", "sbom", f"dir:{root}", "-q", "-f", "syft-json"])
    scan = answer([leadline_, "scan", "image", f"dir:{root}", "-q", "--db", str(database), "-f", "json"])
    installed = {
        (one["name"], one["version"].removeprefix("0:"))
        for one in sbom["artifacts"]
        if one["type"] in ("deb", "rpm")
    }
    return installed, {
        (one["package"]["name"], one["package"]["version"].removeprefix("0:"), one["id"])
        for one in scan["vulnerabilities"]
    }


def of_trivy(trivy: str, root: Path, cache: Path) -> tuple[Found, Found]:
    options = ["--cache-dir", str(cache), "--skip-db-update", "--skip-java-db-update", "--offline-scan", "-q"]
    scan = answer(
        [trivy, "rootfs", *options, "--scanners", "vuln", "--list-all-pkgs", "-f", "json", str(root)]
    )
    results = [one for one in scan.get("Results", []) if one["Class"] == "os-pkgs"]
    installed = {(one["Name"], full_version(one)) for result in results for one in result.get("Packages", [])}
    return installed, {
        (one["PkgName"], one["InstalledVersion"].removeprefix("0:"), one["VulnerabilityID"])
        for result in results
        for one in result.get("Vulnerabilities", [])
    }


def full_version(one: dict[str, object]) -> str:
    epoch = f"{one['Epoch']}:" if one.get("Epoch") else ""
    release = f"-{one['Release']}" if one.get("Release") else ""
    return f"{epoch}{one['Version']}{release}"


def answer(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, check=True, capture_output=True, timeout=600)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
