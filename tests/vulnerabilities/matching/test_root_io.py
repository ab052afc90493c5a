"""Packages that Root.io built anew: met under the names of all others, and judged by its fixes first."""

import json
from pathlib import Path

import orjson
import pytest
from made_database import advisory, database_of

from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Advisory, Affected, Fact, VersionRange
from leadline.vulnerabilities.feed import Document
from leadline.vulnerabilities.feeds.osv import osv
from leadline.vulnerabilities.match import match

DEBIAN = Distro("debian", "12")
FACTS: list[Fact] = [
    advisory("CVE-2023-1000", "Debian:12", "openssl", fixed="3.0.9-2"),
    advisory("CVE-2023-1000", "Debian:12", "openssl", channel="root.io", fixed="3.0.9-1.root.io.3"),
    advisory("CVE-2023-2000", "Debian:12", "openssl", fixed="3.0.9-2"),
]


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        (
            Package("deb", "libssl3", "3.0.9-1", source="openssl"),
            {"CVE-2023-1000": "3.0.9-2", "CVE-2023-2000": "3.0.9-2"},
        ),
        (
            Package("deb", "libssl3", "3.0.9-1.root.io.2", source="openssl"),
            {"CVE-2023-1000": "3.0.9-2", "CVE-2023-2000": "3.0.9-2"},
        ),
        (Package("deb", "libssl3", "3.0.9-1.root.io.3", source="openssl"), {"CVE-2023-2000": "3.0.9-2"}),
        (
            Package("deb", "rootio-libssl3", "3.0.9-1.root.io.4", source="rootio-openssl"),
            {"CVE-2023-2000": "3.0.9-2"},
        ),
        (Package("deb", "rootio-openssl", "3.0.9-2"), {}),
    ],
)
def test_a_fix_of_root_io_counts_for_what_it_built(
    tmp_path: Path, package: Package, expected: dict[str, str]
):
    with database_of(tmp_path, *FACTS) as database:
        found = match([package], DEBIAN, database)
    assert {one.id: one.fixed_in[0] for one in found.matches} == expected


def test_fixes_of_root_io_alone_are_no_list_of_what_is_open(tmp_path: Path):
    with database_of(tmp_path, FACTS[1]) as database:
        found = match([Package("deb", "openssl", "3.0.9-1.root.io.1")], DEBIAN, database)
    assert found.matches == ()
    assert [one.why for one in found.coverage] == ["no feed of the database speaks of this release"]


RECORD = {
    "id": "ROOT-APP-NPM-CVE-2022-25883",
    "modified": "2026-01-01T00:00:00Z",
    "related": ["CVE-2022-25883"],
    "affected": [
        {
            "package": {"ecosystem": "Root:npm", "name": "@rootio/semver"},
            "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "5.7.1-root.io.1"}]},
            ],
        }
    ],
}


@pytest.mark.parametrize(
    ("package", "expected"),
    [
        (Package("npm", "semver", "5.7.1"), ["CVE-2022-25883"]),
        (Package("npm", "semver", "5.7.0-root.io.9"), ["CVE-2022-25883"]),
        (Package("npm", "semver", "5.7.1-root.io.1", namespace="@rootio"), []),
        (Package("npm", "semver", "5.7.1-root.io.2"), []),
    ],
)
def test_a_record_of_root_io_is_about_the_package_that_it_fixed(
    tmp_path: Path, package: Package, expected: list[str]
):
    facts = [
        advisory("GHSA-c2qf-rxjj-qqgw", "npm", "semver", fixed="5.7.2", aliases=("CVE-2022-25883",)),
        *osv.read(Document("ROOT-APP-NPM-CVE-2022-25883.json", orjson.dumps(RECORD))),
    ]
    with database_of(tmp_path, *facts) as database:
        found = match([package], Distro(), database)
    assert [one.id for one in found.matches] == expected


def test_a_scope_of_npm_is_known_under_its_own_name(tmp_path: Path):
    package = Package("npm", "babel__core", "7.0.0-root.io.1", namespace="@rootio")
    with database_of(tmp_path, advisory("CVE-2023-1", "npm", "@babel/core", fixed="7.1.0")) as database:
        assert [one.id for one in match([package], Distro(), database).matches] == ["CVE-2023-1"]


SCENARIOS = json.loads(Path(__file__).with_name("grype_scenarios.json").read_text("utf-8"))


@pytest.mark.parametrize("title", SCENARIOS)
def test_what_grype_expects_of_its_scenarios_is_found(tmp_path: Path, title: str):
    scenario = SCENARIOS[title]
    facts = [
        Advisory(
            id,
            (
                Affected(
                    ecosystem,
                    package,
                    release,
                    channel,
                    tuple(VersionRange(low, fix, last) for low, fix, last in spans),
                ),
            ),
            tuple(aliases),
        )
        for id, aliases, ecosystem, release, channel, package, spans in scenario["advisories"]
    ]
    with database_of(tmp_path, *facts) as database:
        for type, namespace, name, version, expected in scenario["cases"]:
            package = Package(type, name, version, namespace=namespace)
            found = match([package], Distro(*scenario["distro"]), database).matches
            assert [expected in (one.id, *one.aliases) for one in found] == ([True] if expected else []), (
                package
            )
