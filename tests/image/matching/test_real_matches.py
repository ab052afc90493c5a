"""Whole images whose right matches are known, and verdicts of people on single ones."""

import json
from pathlib import Path

import pytest
from made_database import database_of

from leadline.image.ecosystems import release_of
from leadline.image.identity.package_url import read_package_url
from leadline.image.match import match
from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Advisory, Affected, VersionRange

FOLDER = Path(__file__).parent
IMAGES = json.loads((FOLDER / "real_matches.json").read_text("utf-8"))

LEAST_PRECISION = 0.886
LEAST_RECALL = 0.928
"""Of the labels. May only rise: what falls below them matches worse than it did."""


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


def test_people_agree_with_the_matches(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    facts = json.loads((FOLDER / "labels.json").read_text("utf-8"))
    advisories = [
        Advisory(
            id,
            (Affected(ecosystem, package, ranges=tuple(VersionRange(*span) for span in ranges)),),
            aliases=() if id == problem else (problem,),
        )
        for problem, id, ecosystem, package, ranges in facts["advisories"]
    ]
    right = wrong = missed = 0
    not_met: set[str] = set()
    # A package of the distribution stands for the one that brought the language package.
    owner = Package("deb", "owner", "1", supplier="Debian")
    with database_of(tmp_path, *advisories) as database:
        for type, name, version, problem, label, owned in facts["labels"]:
            namespace, _, rest = name.rpartition("/")
            package = Package(type, rest, version, namespace=namespace, owned_by="owner" if owned else "")
            found = match([owner, package], Distro("debian", "12"), database)
            is_match = problem in {one.id for one in found.matches}
            right += is_match and label == "TP"
            wrong += is_match and label == "FP"
            if is_match != (label == "TP"):
                not_met.add(f"{type} {name} {version} {problem} {label}")
            missed += not is_match and label == "TP"
    precision, recall = right / (right + wrong), right / (right + missed)
    with capsys.disabled():
        f1 = 2 * precision * recall / (precision + recall)
        print(f"\n{len(facts['labels'])} labels: precision {precision:.3f}, recall {recall:.3f}, F1 {f1:.3f}")
    listed = (FOLDER / "labels_not_met.txt").read_text("utf-8").splitlines()
    assert not_met == {line for line in listed if line and not line.startswith("#")}
    assert precision >= LEAST_PRECISION
    assert recall >= LEAST_RECALL


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
