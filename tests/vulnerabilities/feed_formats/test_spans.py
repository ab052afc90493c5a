"""Requirements of package managers as ranges: held against an evaluation of the requirements themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.vulnerability import VersionRange
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed_formats.spans import (
    Span,
    Spans,
    composer_span,
    gem_span,
    npm_spans,
    range_of,
)
from leadline.vulnerabilities.ordering import Ordering
from leadline.vulnerabilities.versions.composer import composer
from leadline.vulnerabilities.versions.gem import gem
from leadline.vulnerabilities.versions.semver import semver

Version = tuple[int, int, int]
versions = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4))


def text(version: Version) -> str:
    return ".".join(map(str, version))


def holds(one: VersionRange, version: str, ordering: Ordering) -> bool:
    key = ordering.key(version)
    if one.introduced and key < ordering.key(one.introduced):
        return False
    if one.introduced and one.after and key == ordering.key(one.introduced):
        return False
    if one.fixed:
        return key < ordering.key(one.fixed)
    return not one.last_affected or key <= ordering.key(one.last_affected)


def meets(version: Version, operator: str, bound: Version) -> bool:
    """By the rules of RubyGems and Composer, on three numbers."""
    match operator:
        case ">=":
            return version >= bound
        case ">":
            return version > bound
        case "<":
            return version < bound
        case "<=":
            return version <= bound
        case "~>":
            return version >= bound and version[:2] == bound[:2]
        case _:
            return version == bound


requirements = st.lists(st.tuples(st.sampled_from((">=", "~>", "<", "<=", ">", "=")), versions), max_size=4)


@given(requirements, versions)
def test_what_no_requirement_of_rubygems_meets_is_affected(
    given_: list[tuple[str, Version]], version: Version
) -> None:
    spans = Spans(gem)
    fixes = [gem_span(f"{operator} {text(bound)}", spans) for operator, bound in given_]
    found = list(spans.without(Span(), fixes))
    affected = any(holds(one, text(version), gem) for one in found)
    assert affected == (not any(meets(version, operator, bound) for operator, bound in given_))


@given(
    st.lists(st.tuples(st.sampled_from((">=", "<", "<=", ">", "=")), versions), min_size=1, max_size=3),
    versions,
)
def test_all_comparisons_of_composer_hold_in_a_span(
    given_: list[tuple[str, Version]], version: Version
) -> None:
    span = composer_span([f"{operator}{text(bound)}" for operator, bound in given_], Spans(composer))
    inside = span is not None and holds(range_of(span), text(version), composer)
    assert inside == all(meets(version, operator, bound) for operator, bound in given_)


def caret(version: Version, bound: Version) -> bool:
    place = next((i for i, number in enumerate(bound) if number), 2)
    return version >= bound and version[: place + 1] == bound[: place + 1]


def meets_npm(version: Version, operator: str, bound: Version) -> bool:
    match operator:
        case "^":
            return caret(version, bound)
        case "~":
            return meets(version, "~>", bound)
        case "x":
            return version[:1] == bound[:1]
        case _:
            return meets(version, operator, bound)


def npm_text(operator: str, bound: Version) -> str:
    return f"{bound[0]}.x" if operator == "x" else f"{operator}{text(bound)}"


npm_parts = st.lists(
    st.tuples(st.sampled_from((">=", ">", "<", "<=", "=", "", "^", "~", "x")), versions),
    min_size=1,
    max_size=2,
)


@given(st.lists(npm_parts, min_size=1, max_size=3), versions)
def test_a_range_of_npm_is_any_of_its_alternatives(
    given_: list[list[tuple[str, Version]]], version: Version
) -> None:
    written = " || ".join(" ".join(npm_text(*part) for part in parts) for parts in given_)
    inside = any(holds(range_of(span), text(version), semver) for span in npm_spans(written, Spans(semver)))
    assert inside == any(all(meets_npm(version, *part) for part in parts) for parts in given_)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("*", [Span()]),
        ("", [Span()]),
        ("1.x", [Span("1.0.0", "2.0.0")]),
        ("1", [Span("1.0.0", "2.0.0")]),
        ("1.2", [Span("1.2.0", "1.3.0")]),
        ("~1", [Span("1.0.0", "2.0.0")]),
        ("^0.2.3", [Span("0.2.3", "0.3.0")]),
        ("^0.0.3", [Span("0.0.3", "0.0.4")]),
        ("<=1.2", [Span(high="1.3.0")]),
        (">1.2", [Span("1.3.0")]),
        (">= 1.2.3 < 2", [Span("1.2.3", "2.0.0")]),
        ("1.0.0 - 1.4.0", [Span("1.0.0", "1.4.0", with_high=True)]),
        ("v1.2.3-beta.1", [Span("1.2.3-beta.1", "1.2.3-beta.1", with_high=True)]),
        ("<1 >2", []),
    ],
)
def test_ranges_of_npm(written: str, expected: list[Span]) -> None:
    assert npm_spans(written, Spans(semver)) == expected


@pytest.mark.parametrize(
    "written", ["soon", "1.2.3 or later", "<<1", "^", ">=", "1..2", "||" * 300, "9" * 400, "1.2.3;2"]
)
def test_what_is_no_range_of_npm_is_unreadable(written: str) -> None:
    with pytest.raises(Unreadable):
        # Three hundred alternatives are no range, whatever they are.
        npm_spans(written, Spans(semver))


@pytest.mark.parametrize("written", ["", "soon", "!= 1.0", "~> x", ">= 1, < 1", "1 2", "~> 1.2,", "=" * 2000])
def test_what_is_no_requirement_of_rubygems_is_unreadable(written: str) -> None:
    with pytest.raises(Unreadable):
        gem_span(written, Spans(gem))


@pytest.mark.parametrize(
    ("written", "high"),
    [("~> 2.3.18", "2.4"), ("~> 2.3", "3"), ("~> 2", "3"), ("~> 3.0.0.rc2", "3.1"), ("~> 5.2.4.3", "5.2.5")],
)
def test_a_pessimistic_requirement_ends_at_the_next_number(written: str, high: str) -> None:
    assert gem_span(written, Spans(gem)).high == high
