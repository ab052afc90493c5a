"""Asks two databases of the same records about the same packages: one built of them, one converted from a Grype database of them.

    python bench/database_conversion.py BUILT CONVERTED [--packages 3000] [--show 3]
    python bench/database_conversion.py --records FEED [--records FEED]

Of every release in BUILT, packages are taken at up to eight versions each that its records name, or just before a fix. Both databases
are matched as in a scan. Printed by ecosystem: verdicts that are the same, found by one alone, and with another fix; with the first
examples of each. CONVERTED may be Grype's own file, which is converted first. With FEEDs, as ``db build`` takes them, both are made here:
then no more than one verdict in a thousand of an ecosystem may differ.
"""

import argparse
import gc
import random
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
sys.path.append(str(ROOT / "tests"))

from grype_records import write_grype_database  # noqa: E402
from trivy_agreement import advisories  # noqa: E402

from leadline.model.package import Distro, Package  # noqa: E402
from leadline.model.vulnerability import Match  # noqa: E402
from leadline.scans.images.database import build_database  # noqa: E402
from leadline.vulnerabilities.database import Database, Extra  # noqa: E402
from leadline.vulnerabilities.database_builder import build_of_facts  # noqa: E402
from leadline.vulnerabilities.grype.facts import GrypeFacts  # noqa: E402
from leadline.vulnerabilities.grype.rows import grype_rows, is_grype_database  # noqa: E402
from leadline.vulnerabilities.match import match  # noqa: E402

_LANGUAGES = {
    "Bitnami": "bitnami",
    "Go": "golang",
    "Maven": "maven",
    "NuGet": "nuget",
    "Packagist": "composer",
    "PyPI": "pypi",
    "RubyGems": "gem",
    "crates.io": "cargo",
    "npm": "npm",
}
_DISTRIBUTIONS = {
    "AlmaLinux": ("rpm", "almalinux"),
    "Alpine": ("apk", "alpine"),
    "Debian": ("deb", "debian"),
    "Red Hat": ("rpm", "rhel"),
    "SUSE": ("rpm", "sles"),
    "Ubuntu": ("deb", "ubuntu"),
}
_BEFORE = {"PyPI": ".dev0", "apk": "_alpha", "deb": "~", "rpm": "~"}
"""Behind a version, what comes just before it; of the other languages a prerelease does."""
DIFFERENT = ("built alone", "converted alone", "another fix")
_AT_A_TIME = 5_000
_VERSIONS = 8
"""Of each package, chosen at random: a kernel has thousands, each with thousands of problems."""
_extra = msgspec.msgpack.Decoder(Extra).decode
Place = tuple[str, Distro]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("built", type=Path, nargs="?")
    parser.add_argument("converted", type=Path, nargs="?")
    parser.add_argument("--records", type=Path, action="append", default=[])
    parser.add_argument("--packages", type=int, default=3000, help="of each release, at most")
    parser.add_argument("--show", type=int, default=3)
    flags = parser.parse_args()
    if not flags.records and flags.converted is None:
        parser.error("name two databases, or --records")
    gc.disable()
    with tempfile.TemporaryDirectory() as work:
        built, converted = flags.built, flags.converted
        if flags.records:
            built, converted = Path(work) / "built.db", Path(work) / "grype.db"
            build_database(flags.records, built, "2026-06-30T00:00:00Z")
            write_grype_database(advisories(flags.records), converted)
        if is_grype_database(converted):
            converted = convert(converted, Path(work) / "converted.db")
        with Database(built) as ours, Database(converted) as theirs:
            counts = compare(packages_of(built, flags.packages), ours, theirs, flags.show)
    return int(bool(flags.records) and any(map(too_many, counts.values())))


def too_many(count: Counter[str]) -> bool:
    """Whether more than one verdict in a thousand differs; true as well where nothing was compared."""
    differing = sum(count[what] for what in DIFFERENT)
    return differing * 1000 > count["same"] + differing or not count["same"]


def convert(source: Path, target: Path) -> Path:
    with grype_rows(source) as rows:
        read = GrypeFacts(rows)
        build_of_facts(read.facts(), target, built="2026-06-30T00:00:00Z", about=dict)
    for why, number in read.left_out.most_common():
        print(f"left out: {number:,} {why}")
    return target


def compare(
    packages: Iterator[tuple[Place, list[Package]]], ours: Database, theirs: Database, most_shown: int
) -> dict[str, Counter[str]]:
    """Prints and returns how the verdicts compare, by ecosystem."""
    counts: dict[str, Counter[str]] = {}
    shown: dict[tuple[str, str], list[str]] = {}
    for (ecosystem, distro), of_release in packages:
        count = counts.setdefault(ecosystem, Counter())
        for start in range(0, len(of_release), _AT_A_TIME):
            some = of_release[start : start + _AT_A_TIME]
            count["versions"] += len(some)
            for package, what, name in differences(some, distro, ours, theirs):
                count[what] += 1
                examples = shown.setdefault((ecosystem, what), [])
                if what != "same" and len(examples) < most_shown:
                    where = f"{distro.id} {distro.version} ".lstrip()
                    examples.append(f"{where}{package.namespace} {package.name} {package.version}: {name}")
    columns = ("versions", "same", *DIFFERENT)
    print(f"{'ecosystem':<12}" + "".join(f"{column:>17}" for column in columns))
    for ecosystem, count in sorted(counts.items()):
        print(f"{ecosystem:<12}" + "".join(f"{count[column]:>17,}" for column in columns))
    for (ecosystem, what), examples in sorted(shown.items()):
        for example in examples:
            print(f"{ecosystem}, {what}: {' '.join(example.split())}")
    return counts


def differences(
    packages: Sequence[Package], distro: Distro, ours: Database, theirs: Database
) -> Iterator[tuple[Package, str, str]]:
    """For each verdict the package, whether it is the same, and the problem."""
    one, other = (by_package(match(packages, distro, database).matches) for database in (ours, theirs))
    for package in packages:
        first, second = one.get(package, []), other.get(package, [])
        known = {id: found for found in second for id in (found.id, *found.aliases)}
        seen: set[str] = set()
        for found in first:
            same = next((known[id] for id in (found.id, *found.aliases) if id in known), None)
            if same is None:
                yield package, "built alone", found.id
                continue
            seen.add(same.id)
            is_same = set(found.fixed_in) == set(same.fixed_in)
            fixes = f"{found.id} {', '.join(found.fixed_in)} / {', '.join(same.fixed_in)}"
            yield package, "same" if is_same else "another fix", fixes
        names = {id for found in first for id in (found.id, *found.aliases)}
        for found in second:
            if found.id not in seen and not names & {found.id, *found.aliases}:
                yield package, "converted alone", found.id


def by_package(matches: Sequence[Match]) -> dict[Package, list[Match]]:
    found: dict[Package, list[Match]] = {}
    for one in matches:
        found.setdefault(one.package, []).append(one)
    return found


def packages_of(database: Path, most: int) -> Iterator[tuple[Place, list[Package]]]:
    """For each release the packages that its records name, at the versions that these name."""
    with sqlite3.connect(database) as connection:
        streams = connection.execute("SELECT id, ecosystem, release FROM stream ORDER BY ecosystem, release")
        for stream, ecosystem, release in streams.fetchall():
            if ecosystem not in _LANGUAGES and ecosystem not in _DISTRIBUTIONS:
                continue
            numbers = connection.execute(
                "SELECT id, name FROM package WHERE stream = ? ORDER BY name", (stream,)
            )
            chosen = numbers.fetchall()
            chance = random.Random(1)
            chance.shuffle(chosen)
            found: dict[Package, None] = {}
            for number, name in chosen[:most]:
                rows = connection.execute("SELECT extra FROM affected WHERE package = ?", (number,))
                every = list(dict.fromkeys(made(ecosystem, name, [_extra(extra) for (extra,) in rows])))
                found.update(dict.fromkeys(chance.sample(every, min(len(every), _VERSIONS))))
            yield (ecosystem, distro_of(ecosystem, release)), list(found)


def distro_of(ecosystem: str, release: str) -> Distro:
    if ecosystem in _LANGUAGES:
        return Distro("", "")
    return Distro(_DISTRIBUTIONS[ecosystem][1], release)


def made(ecosystem: str, name: str, says: Sequence[Extra]) -> Iterator[Package]:
    type = _LANGUAGES.get(ecosystem) or _DISTRIBUTIONS[ecosystem][0]
    before = _BEFORE.get(ecosystem) or _BEFORE.get(type) or "-0"
    for one in says:
        fix = one.fixed or one.before
        for version in (one.introduced, fix, one.last_affected, fix and f"{fix}{before}"):
            if not version:
                continue
            if type in ("apk", "deb", "rpm"):
                label = (("modularitylabel", f"{one.module}:1:2"),) if one.module else ()
                yield Package(type, name, version, source=name, qualifiers=label)
            else:
                joint = ":" if type == "maven" else "/"
                namespace, _, own = (
                    name.rpartition(joint)
                    if type in ("golang", "maven", "npm", "composer")
                    else ("", "", name)
                )
                yield Package(type, own, version, namespace=namespace)


if __name__ == "__main__":
    sys.exit(main())
