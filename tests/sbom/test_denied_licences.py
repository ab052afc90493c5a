import pytest

from leadline.model.package import Package
from leadline.sbom.licences.denied import denied, unlisted

GNU = ("gpl-*", "AGPL-3.0-only")


def names(*licences: str, patterns: tuple[str, ...] = GNU) -> list[str]:
    return [licence for _, licence in denied([Package("deb", "a", "1", licenses=licences)], patterns)]


@pytest.mark.parametrize(
    ("licence", "is_denied"),
    [
        ("MIT", False),
        ("GPL-3.0-only", True),
        ("LGPL-2.1-only", False),
        ("AGPL-3.0-only", True),
        ("AGPL-3.0-or-later", False),
        ("MIT OR GPL-3.0-only", False),
        ("MIT AND GPL-3.0-only", True),
        ("(MIT AND GPL-2.0-only) OR Apache-2.0", False),
        ("GPL-3.0-only OR AGPL-3.0-only", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True),
        ("a licence of our own (see LICENSE", False),
        ("GPL-3.0-only" + " OR GPL-3.0-only" * 200, True),
        ("(" * 5000, False),
        ("", False),
    ],
)
def test_choice_is_denied_where_all_of_it_is(licence: str, is_denied: bool):
    assert names(licence) == ([licence] if is_denied else [])


@pytest.mark.parametrize("pattern", ["GPL-3.0", "GPL-3", "gplv3", "GPL-3.0-only"])
def test_a_licence_is_known_by_its_other_names(pattern: str):
    assert names("GPL-3.0-only", patterns=(pattern,)) == ["GPL-3.0-only"]
    assert unlisted((pattern,)) == ()


def test_what_names_no_licence_is_known():
    assert unlisted(("MIT", "GPL-*", "nonsense", "GPL-33", "L?PL-2.1")) == ("nonsense", "GPL-33")


def test_package_counts_once():
    assert names("MIT", "GPL-1.0-only", "GPL-2.0-only") == ["GPL-1.0-only"]


def test_exception_is_named_or_matched():
    written = "GPL-2.0-only WITH Classpath-exception-2.0"
    assert names(written, patterns=("GPL-2.0-only",)) == []
    assert names(written, patterns=("gpl-2.0-only with *",)) == [written]
