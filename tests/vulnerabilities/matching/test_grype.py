"""What Grype's own tests expect of its matchers, scenario by scenario, with the facts of these written down anew."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from made_database import database_of
from msgspec.structs import replace

from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Advisory, Affected, Import, Match, VersionRange
from leadline.packages.package_url import read_package_url
from leadline.vulnerabilities.match import match

FOLDER = Path(__file__).parent
SCENARIOS: dict[str, dict[str, Any]] = json.loads((FOLDER / "grype_cases.json").read_text("utf-8"))
NOT_MET = [
    line
    for line in (FOLDER / "grype_not_met.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
"""Each as scenario, package, and what is found here in its place."""


def fact(given: Mapping[str, Any]) -> Advisory:
    ecosystem, _, release = given["ecosystem"].partition(":")
    affected = Affected(
        ecosystem,
        given["package"],
        release,
        given.get("channel", ""),
        tuple(VersionRange(*span) for span in given.get("ranges", ())),
        tuple(given.get("versions", ())),
        state=given.get("state", "affected"),
        is_source=given.get("is_source", True),
        module=given.get("module", ""),
        arches=tuple(given.get("arches", ())),
        imports=tuple(Import(path) for path in given.get("imports", ())),
    )
    own = given.get("own", "")
    return Advisory(
        own or given["id"],
        (affected,),
        aliases=tuple(given.get("aliases", ())),
        covers=tuple(given.get("covers", ())) or ((given["id"],) if own else ()),
    )


def package(given: Mapping[str, Any]) -> Package:
    found = read_package_url(given["package"])
    assert found is not None
    qualifiers = dict(found.qualifiers)
    if module := given.get("module"):
        qualifiers["modularitylabel"] = module
    linked = given.get("linked")
    return replace(
        found,
        arch="amd64" if given.get("main") else found.arch,
        qualifiers=tuple(sorted(qualifiers.items())),
        cpes=(given["cpe"],) if "cpe" in given else (),
        linked=None if linked is None else tuple(linked),
    )


def shown(found: Match) -> str:
    return " ".join((found.id, *found.fixed_in))


@pytest.mark.parametrize("title", SCENARIOS)
def test_a_scenario_of_grype_comes_out_as_there_or_as_explained(tmp_path: Path, title: str):
    scenario = SCENARIOS[title]
    different = []
    with database_of(tmp_path, *map(fact, scenario["advisories"])) as database:
        for case in scenario["cases"]:
            found = match([package(case)], Distro(*scenario["distro"]), database)
            ours = sorted(map(shown, found.matches))
            if ours != case["finds"]:
                url = unquote(case["package"])
                different.append(f"{title} | {url} | {', '.join(ours) or 'nothing'}")
    assert different == [line for line in NOT_MET if line.startswith(f"{title} | ")]


def test_every_difference_is_of_a_scenario():
    assert all(line.partition(" | ")[0] in SCENARIOS for line in NOT_MET)
