"""A module is vulnerable in some of its packages: what a program has no code of is not its problem, and is not lost either."""

from pathlib import Path

import pytest
from made_database import advisory, database_of

from leadline.model.package import Distro, Package
from leadline.model.vulnerability import Fact, Import, Matched
from leadline.vulnerabilities.match import match

HTML = Import("golang.org/x/net/html", ("Parse",))
PROXY = Import("golang.org/x/net/http/httpproxy", ("FromEnvironment",))


def found_in(tmp_path: Path, linked: tuple[str, ...] | None, *facts: Fact) -> Matched:
    package = Package("golang", "net", "v0.35.0", namespace="golang.org/x", linked=linked)
    with database_of(tmp_path, *facts) as database:
        return match([package], Distro(), database)


def by_go(*imports: Import) -> Fact:
    return advisory(
        "GO-2025-3503", "Go", "golang.org/x/net", fixed="0.36.0", imports=imports, aliases=("CVE-2025-22870",)
    )


BY_GITHUB = advisory(
    "GHSA-qxp5-gwg8-xv66", "Go", "golang.org/x/net", fixed="0.36.0", aliases=("CVE-2025-22870",)
)


@pytest.mark.parametrize(
    "linked",
    [None, ("golang.org/x/net/html",), ("golang.org/x/net/http/httpproxy", "golang.org/x/net/trace")],
    ids=["not known", "one of them", "another of them"],
)
def test_a_problem_of_linked_packages_is_a_match(tmp_path: Path, linked: tuple[str, ...] | None):
    found = found_in(tmp_path, linked, by_go(HTML, PROXY))
    assert ([one.id for one in found.matches], found.suppressed) == (["CVE-2025-22870"], ())


@pytest.mark.parametrize("linked", [(), ("golang.org/x/net/http2",), ("golang.org/x/net/html/charset",)])
def test_a_problem_of_packages_that_are_not_linked_is_suppressed(tmp_path: Path, linked: tuple[str, ...]):
    found = found_in(tmp_path, linked, by_go(HTML, PROXY))
    assert found.matches == ()
    assert [(one.match.id, one.by, one.why, one.is_fixed) for one in found.suppressed] == [
        (
            "CVE-2025-22870",
            "linker",
            "no code of golang.org/x/net/html and 1 more is in the program",
            False,
        )
    ]


def test_it_is_no_match_by_an_advisory_that_names_no_packages_either(tmp_path: Path):
    found = found_in(tmp_path, ("golang.org/x/net/http2",), by_go(PROXY), BY_GITHUB)
    assert (found.matches, len(found.suppressed)) == ((), 1)
    assert {one.advisory for one in found.suppressed[0].match.evidence} == {
        "GO-2025-3503",
        "GHSA-qxp5-gwg8-xv66",
    }


def test_an_advisory_that_names_no_packages_is_about_the_whole_module(tmp_path: Path):
    found = found_in(tmp_path, ("golang.org/x/net/http2",), BY_GITHUB)
    assert ([one.id for one in found.matches], found.suppressed) == (["CVE-2025-22870"], ())


def test_what_one_advisory_says_of_its_packages_says_nothing_of_another_problem(tmp_path: Path):
    other = advisory("GO-2025-3595", "Go", "golang.org/x/net", fixed="0.38.0", aliases=("CVE-2025-22872",))
    found = found_in(tmp_path, (), by_go(PROXY), other)
    assert [one.id for one in found.matches] == ["CVE-2025-22872"]


FILEPATH = Import("path/filepath", ("Clean",), ("windows",))
NISTEC = Import("crypto/internal/nistec", (), (), ("ppc64le",))


@pytest.mark.parametrize(
    ("named", "built_for", "why"),
    [
        (FILEPATH, "linux/amd64", "the problem is on windows alone, the program is built for linux/amd64"),
        (FILEPATH, "linux/", "the problem is on windows alone, the program is built for linux"),
        (FILEPATH, "windows/amd64", ""),
        (FILEPATH, "", ""),
        (NISTEC, "linux/amd64", "the problem is on ppc64le alone, the program is built for linux/amd64"),
        (NISTEC, "linux/ppc64le", ""),
        (NISTEC, "linux/", ""),
    ],
)
@pytest.mark.parametrize("linked", [None, ("path/filepath", "crypto/internal/nistec")])
def test_a_problem_of_another_system_is_suppressed(
    tmp_path: Path, named: Import, built_for: str, why: str, linked: tuple[str, ...] | None
):
    fact = advisory("GO-2023-2185", "Go", "stdlib", fixed="1.20.11", imports=(named,))
    package = Package("golang", "stdlib", "1.20.10", linked=linked, built_for=built_for)
    with database_of(tmp_path, fact) as database:
        found = match([package], Distro(), database)
    assert [one.why for one in found.suppressed] == ([why] if why else [])
    assert len(found.matches) == (not why)


def test_of_several_packages_those_of_the_system_decide(tmp_path: Path):
    fact = advisory("GO-2023-1", "Go", "stdlib", fixed="2", imports=(FILEPATH, Import("os")))
    packages = [
        Package("golang", "stdlib", "1", linked=linked, built_for="linux/amd64")
        for linked in (("path/filepath",), ("os",))
    ]
    with database_of(tmp_path, fact) as database:
        found = match(packages, Distro(), database)
    assert [one.package.linked for one in found.matches] == [("os",)]
    assert [one.why for one in found.suppressed] == ["no code of os is in the program"]
