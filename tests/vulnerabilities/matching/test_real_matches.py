"""Whole images whose right matches are known, and verdicts of people on single ones."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_database import database_of

from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Advisory, Affected, VersionRange
from leadline.packages.package_url import read_package_url
from leadline.sbom.cataloguers.npm import npm
from leadline.vulnerabilities.ecosystems import release_of
from leadline.vulnerabilities.match import match
from sbom.cataloguers.memory_tree import MemoryTree, read

FOLDER = Path(__file__).parent
DOCUMENTED = FOLDER.parents[2] / "docs" / "decisions" / "vulnerability-matching.md"
IMAGES = json.loads((FOLDER / "real_matches.json").read_text("utf-8"))

LEAST = {
    "all": (0.993, 0.988),
    "languages": (0.962, 0.95),
    "languages, covered": (1.0, 1.0),
    "rpm": (1.0, 0.995),
}
"""Precision and recall by the labels. May only rise: what falls below them matches worse than it did."""

Verdict = tuple[str, str, str, str, str]
"""Type, name and version of the package; the vulnerability; TP or FP."""


@pytest.mark.parametrize("title", IMAGES)
def test_the_matches_of_a_real_image_are_exactly_these(tmp_path: Path, title: str):
    image = IMAGES[title]
    distro = Distro(*image["distro"])
    release = release_of(distro)
    assert release is not None
    packages = [package for url in image["packages"] if (package := read_package_url(url))]
    assert len(packages) == len(image["packages"])
    facts = [
        Advisory(
            cve, (Affected(release.ecosystem, source, release.release, ranges=(VersionRange(fixed=fixed),)),)
        )
        for source, fixes in image["advisories"].items()
        for cve, fixed in fixes.items()
    ]
    with database_of(tmp_path, *facts) as database:
        found = match(packages, distro, database)
    pairs = {(one.id, packages.index(one.package)) for one in found.matches}
    assert pairs == {(cve, place) for cve, places in image["matches"].items() for place in places}
    assert [one.why for one in found.coverage] == [""]


def of_languages(folder: Path) -> Iterator[tuple[Verdict, bool]]:
    """Each verdict on a language package, and whether it is a match."""
    facts = json.loads((FOLDER / "labels.json").read_text("utf-8"))
    advisories = [
        Advisory(
            id,
            (Affected(ecosystem, package, ranges=tuple(VersionRange(*span) for span in ranges)),),
            aliases=() if id == problem else (problem,),
        )
        for problem, id, ecosystem, package, ranges in facts["advisories"]
    ]
    # A package of the distribution stands for the one that brought the language package.
    owner = Package("deb", "owner", "1", supplier="Debian")
    alpine = Package("apk", "owner", "1-r0")
    advisories.append(
        Advisory("CVE-2019-1", (Affected("Alpine", "owner", "3.12", ranges=(VersionRange(fixed="1-r0"),)),))
    )
    with database_of(folder, *advisories) as database:
        for type, name, version, problem, label, origin in facts["labels"]:
            if origin == "extension":
                package = extension(name, version)
            else:
                namespace, _, rest = name.rpartition("/")
                owned_by = "owner" if origin in ("distribution", "alpine") else ""
                package = Package(type, rest, version, namespace=namespace, owned_by=owned_by)
            if origin == "alpine":
                found = match([alpine, package], Distro("alpine", "3.12.1"), database)
            else:
                found = match([owner, package], Distro("debian", "12"), database)
            yield (type, name, version, problem, label), problem in {one.id for one in found.matches}


def extension(name: str, version: str) -> Package:
    """As it is found in an image that has an editor."""
    manifest = {"name": name, "version": version, "publisher": "vscode", "engines": {"vscode": "0.10.x"}}
    path = f"usr/share/code/resources/app/extensions/{name}/package.json"
    (package,), complaint = read(npm, MemoryTree({path: json.dumps(manifest)}), path)
    assert complaint == ""
    return package


def of_rpm(folder: Path) -> Iterator[tuple[Verdict, bool]]:
    """The same for packages of Red Hat's release, by the updates of one that is built of the same sources.

    The numbers of modular builds are each distribution's own, so that only what stands before them can be compared.
    """
    facts = json.loads((FOLDER / "labels_rpm.json").read_text("utf-8"))
    advisories = [
        Advisory(
            problem,
            tuple(
                Affected(
                    "AlmaLinux",
                    package,
                    str(release),
                    ranges=(VersionRange(fixed=fixed),),
                    is_source=False,
                    module="".join(module),
                )
                for fixed, *module in fixes
            ),
        )
        for release, package, problems in facts["fixes"]
        for problem, fixes in problems.items()
    ]
    with database_of(folder, *advisories) as database:
        for release, name, version, problem, label in facts["labels"]:
            distro = Distro("almalinux", str(release))
            head, mark, _ = version.partition(".module")
            package = Package("rpm", name, f"{head}.module_el99" if mark else version)
            found = match([package], distro, database)
            yield ("rpm", name, version, problem, label), problem in {one.id for one in found.matches}


def not_met() -> tuple[set[str], set[str]]:
    """The labels that are not met, and those of them of which the advisories that are there say nothing or the opposite."""
    listed, uncovered, is_covered = set(), set(), True
    for line in (FOLDER / "labels_not_met.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            is_covered = not line.startswith("# Not covered by the data:")
        elif line:
            listed.add(line)
            if not is_covered:
                uncovered.add(line)
    return listed, uncovered


def precision_and_recall(verdicts: list[tuple[Verdict, bool]]) -> tuple[float, float]:
    counted = Counter((label, is_match) for (*_, label), is_match in verdicts)
    right, wrong, missed = counted["TP", True], counted["FP", True], counted["TP", False]
    return right / (right + wrong), right / (right + missed)


def row_of(type: str, verdicts: list[tuple[Verdict, bool]]) -> str:
    """The line of the table in the documentation."""
    counted = Counter((label, is_match) for (*_, label), is_match in verdicts)
    right, wrong, missed = counted["TP", True], counted["FP", True], counted["TP", False]
    shares = [f"{right / whole:.3f}" if whole else "" for whole in (right + wrong, right + missed)]
    return f"| {type} | {len(verdicts)} | {right} | {wrong} | {missed} | {' | '.join(shares)} |".replace(
        "  |", " |"
    )


def test_people_agree_with_the_matches(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "rpm").mkdir()
    groups = {"languages": [*of_languages(tmp_path)], "rpm": [*of_rpm(tmp_path / "rpm")]}
    groups["all"] = verdicts = [*groups["languages"], *groups["rpm"]]
    listed, uncovered = not_met()
    groups["languages, covered"] = [one for one in groups["languages"] if " ".join(one[0]) not in uncovered]
    figures = {name: precision_and_recall(group) for name, group in groups.items()}
    with capsys.disabled():
        for name, (precision, recall) in figures.items():
            f1 = 2 * precision * recall / (precision + recall)
            print(f"\n{len(groups[name])} labels, {name}: ", end="")
            print(f"precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}", end="")
    documented = DOCUMENTED.read_text("utf-8")
    for type in sorted({verdict[0] for verdict, _ in verdicts}):
        assert row_of(type, [one for one in verdicts if one[0][0] == type]) in documented
    assert listed == {
        " ".join(verdict) for verdict, is_match in verdicts if is_match != (verdict[-1] == "TP")
    }
    for name, (precision, recall) in figures.items():
        least_precision, least_recall = LEAST[name]
        assert precision >= least_precision
        assert recall >= least_recall


def test_trivy_finds_the_same_with_the_same_advisories(tmp_path: Path):
    """What its program (0.59.1) said, recorded. ``bench/trivy_agreement.py`` asks it about more, and explains what differs there."""
    facts = json.loads((FOLDER / "trivy_findings.json").read_text("utf-8"))
    advisories = [
        Advisory(
            id,
            tuple(
                Affected(ecosystem, package, ranges=tuple(VersionRange(*span) for span in spans))
                for ecosystem, package, spans in affected
            ),
        )
        for id, affected in facts["advisories"].items()
    ]
    packages = {url: package for url in facts["packages"] if (package := read_package_url(url))}
    with database_of(tmp_path, *advisories) as database:
        found = match(tuple(packages.values()), Distro(), database)
    urls = {package: url for url, package in packages.items()}
    ours = {(urls[one.package], evidence.advisory) for one in found.matches for evidence in one.evidence}
    theirs = {(url, id) for url, ids in facts["packages"].items() for id in ids}
    assert ours == theirs


GOLDENS = json.loads((FOLDER / "trivy_goldens.json").read_text("utf-8"))
_JOINTS = {"golang": "/", "npm": "/", "composer": "/", "swift": "/", "maven": ":"}
"""What stands between namespace and name."""


def package_of(type: str, name: str, version: str, source: str) -> Package:
    namespace, _, rest = name.rpartition(_JOINTS[type]) if type in _JOINTS else ("", "", name)
    return Package(type, rest, version, namespace=namespace, source=source if source != name else "")


@pytest.mark.parametrize("scan", GOLDENS)
def test_what_trivy_expects_of_its_own_tests_is_found(tmp_path: Path, scan: str):
    golden = GOLDENS[scan]
    rows = [(package_of(*row[:4]), row[4]) for row in golden["packages"]]
    by_source = {package.source for package, _ in rows}
    facts = [
        Advisory(
            id,
            (
                Affected(
                    ecosystem,
                    name,
                    release,
                    ranges=tuple(VersionRange(*span) for span in spans),
                    is_source=rows[0][0].type != "rpm" or name in by_source,
                ),
            ),
        )
        for ecosystem, release, name, id, spans in golden["advisories"]
    ]
    with database_of(tmp_path, *facts) as database:
        found = match([package for package, _ in rows], Distro(*golden["distro"]), database)
    got = {(one.package, evidence.advisory) for one in found.matches for evidence in one.evidence}
    assert got == {(package, id) for package, ids in rows for id in ids}
