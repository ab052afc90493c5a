"""Every ordering against comparisons made with the ecosystems' own tools, and against slow comparators written after the specifications."""

import contextlib
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.version import Version
from slow_orders import compare_deb, compare_gem, compare_rpm, compare_semver

from leadline.discover import discover
from leadline.vulnerabilities import ecosystems, versions
from leadline.vulnerabilities.ecosystems import orderings
from leadline.vulnerabilities.ordering import LONGEST, Ordering, Unorderable

FOLDER = Path(__file__).parent
ALL = {ordering.name: ordering for ordering in discover(versions, Ordering)}


@cache
def comparisons() -> list[str]:
    packed = (FOLDER / "comparisons.txt.zst").read_bytes()
    return zstandard.ZstdDecompressor().decompress(packed, max_output_size=1 << 24).decode().splitlines()


def exceptions() -> list[str]:
    lines = (FOLDER / "exceptions.txt").read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def sign(name: str, one: str, other: str) -> str:
    """How the ordering compares the two; ``!`` where it cannot."""
    try:
        first, second = ALL[name].key(one), ALL[name].key(other)
    except Unorderable:
        return "!"
    return "<" if first < second else ">" if first > second else "="


def test_all_comparisons_are_there():
    assert len(comparisons()) == 53_789


@pytest.mark.parametrize("name", sorted({line.split(" ")[0] for line in comparisons()}))
def test_an_ordering_disagrees_exactly_where_it_says_so(name: str):
    lines = [line.split(" ") for line in comparisons() if line.startswith(f"{name} ")]
    wrong = {" ".join(line) for line in lines if sign(name, line[1], line[3]) != line[2]}
    assert wrong == {line for line in exceptions() if line.startswith(f"{name} ")}


CHAINS = {
    "golang": "v0.0.0-20200101000000-abcdefabcdef v0.0.0-20210101000000-000000000000 v0.0.1 v1.2.3-0.20210101000000-abcdefabcdef v1.2.3",
    "golang of Go": "go1.21.0-rc.2 go1.21rc3 go1.21 go1.21.1 go1.22beta1 go1.22rc1 1.22.0 go1.22.3",
    "bitnami": "1.25.2-9 1.25.3-rc1 1.25.3 1.25.3-1 1.25.3-10 1.25.4",
    "generic": "1.0.0-dev 1.0.0-alpha2 1.0-beta1 1.0.0-rc1 1.0 1.0a 1.0.0.1 1.0.1 1.1.1 1.1.1a 1.1.1w 1.1.2",
    "pub": "1.0.0-a 1.0.0 1.0.0+1 1.0.0+2 1.0.1",
    "dotted": "0.9 0.9-1 0.10 1 1.0",
    "semver": "1.0.0-1 1.0.0-a 1.0.0-a.1 1.0.0 1.0.0.1 1.0.1",
    "nuget": "1.0.0-A 1.0.0-b 1.0 1.0.0.1 1.0.1",
    "composer": "dev-main 1.0.0-dev 1.0-alpha1 1.0.0-beta2 1.0-RC1 1.0 1.0.0.0-p1 1.0.0.1 1.0.1",
    "gem": "1.0.a.0.b 1.0.a 1.0.a.0.1 1.0 1.0.1",
    "maven": "1-alpha-1 1-beta 1.0.0-m1 1-rc1 1.0-SNAPSHOT 1.0.0.Final 1-sp 1-redhat-1 1-1 1.0.1 1.1",
    "rpm": "1.0~rc1-1 1.0-1 1.0^git1-1 1.0a-1 1.0.1-1 1:0.1-1",
    "apk": "1.0_alpha1 1.0_rc1 1.0 1.0-r1 1.0_git20200101 1.0_p1 1.0a 1.0.1 1.1",
}
"""Earliest first; the name of an ordering with, behind a blank, what it is about."""
EQUALS = [
    ("golang", "v2.0.0+incompatible", "2.0.0"),
    ("golang", "go1.21", "1.21.0"),
    ("golang", "go1.22rc1", "1.22.0-rc.1"),
    ("golang", "go1.20.5 X:boringcrypto", "1.20.5"),
    ("composer", "v1.0", "1.0.0"),
    ("nuget", "1.0.0.0", "1.0+abc"),
    ("maven", "1.0.0-final", "1"),
    ("rpm", "0:1.2-3", "1.2-3"),
    ("deb", "0:1.0", "1.0-0"),
    ("pep440", "1.0", "1.0.0"),
    ("generic", "v1.0", "1.0.0"),
]


@pytest.mark.parametrize("about", CHAINS)
def test_each_version_is_before_the_next(about: str):
    chain = CHAINS[about]
    name = about.partition(" ")[0]
    keys = [ALL[name].key(version) for version in re.split(r" (?!X:)", chain)]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(("name", "one", "other"), EQUALS)
def test_versions_that_differ_only_in_writing_are_equal(name: str, one: str, other: str):
    assert sign(name, one, other) == "="


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("apk", "1.0bc"),
        ("semver", "latest"),
        ("golang", "(devel)"),
        ("golang", "devel +abc"),
        ("nuget", "x"),
        ("gem", "---"),
        ("dotted", "1.a"),
        ("generic", "unknown"),
        ("deb", ""),
        ("rpm", "  "),
        ("rpm", "1" * (LONGEST + 1)),
    ],
)
def test_what_an_ecosystem_cannot_compare_is_refused(name: str, version: str):
    with pytest.raises(Unorderable):
        ALL[name].key(version)


@pytest.mark.parametrize("name", ALL)
@given(st.text(max_size=40) | st.from_regex(r"\A[0-9a-c.:~^+_-]{1,20}\Z"))
@settings(max_examples=60, deadline=None)
def test_any_text_has_a_key_or_is_refused(name: str, version: str):
    with contextlib.suppress(Unorderable):
        assert ALL[name].key(version)


def agree(ordering: str, compare: Callable[[str, str], int], one: str, other: str) -> None:
    wanted = compare(one, other)
    assert sign(ordering, one, other) == ("<" if wanted < 0 else ">" if wanted > 0 else "="), (one, other)


DEB = st.from_regex(r"\A([0-2]:)?[0-3](([.+~]|[ab]{1,2})?[0-9]{0,2}){0,3}(-[0-2]([.+~a]{0,2}[0-1]){0,2})?\Z")
RPM = st.from_regex(r"\A([0-2]:)?[0-3](([.+~^_]|[aB]{1,2})?0?[0-9]{0,2}){0,3}-[0-2]([.+~a]{0,2}[0-1]){0,2}\Z")
SEMVER = st.from_regex(r"\A[0-2]\.(0|[1-9][0-9]?)\.[0-2](-(0|1|2|10|a|b|ab)(\.(0|1|10|a|b)){0,2})?(\+x)?\Z")
GEM = st.from_regex(r"\A[0-2](\.(0|1|a|b)){0,4}\Z")
PEP440 = st.from_regex(
    r"\A([01]!)?[0-2](\.(0|1)){0,3}(a[01]|b1|rc2)?(\.post[01])?(\.dev[01])?(\+(a|1|a\.1))?\Z"
)


@given(DEB, DEB)
@settings(max_examples=200, deadline=None)
def test_deb_agrees_with_the_rules_of_the_policy(one: str, other: str):
    agree("deb", compare_deb, one, other)


@given(RPM, RPM)
@settings(max_examples=200, deadline=None)
def test_rpm_agrees_with_its_manual(one: str, other: str):
    agree("rpm", compare_rpm, one, other)


@given(SEMVER, SEMVER)
@settings(max_examples=200, deadline=None)
@pytest.mark.parametrize("name", ["semver", "golang", "nuget"])
def test_semantic_versions_agree_with_their_specification(name: str, one: str, other: str):
    agree(name, compare_semver, one, other)


@given(GEM, GEM)
@settings(max_examples=200, deadline=None)
def test_gem_agrees_with_its_documentation(one: str, other: str):
    agree("gem", compare_gem, one, other)


@given(PEP440, PEP440)
@settings(max_examples=200, deadline=None)
def test_pep440_agrees_with_packaging(one: str, other: str):
    first, second = Version(one), Version(other)
    agree("pep440", lambda a, b: (first > second) - (first < second), one, other)


def test_every_ordering_serves_an_ecosystem_and_no_ecosystem_has_two():
    claimed = [name for names in ecosystems._ORDERED_BY.values() for name in names]
    assert sorted(claimed) == sorted(orderings())
    assert {ordering.name for ordering in orderings().values()} == set(ALL) == set(ecosystems._ORDERED_BY)
    assert orderings()["Debian"].name == "deb"
