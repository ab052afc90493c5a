import pytest

from leadline.model.package import Package
from leadline.sbom.licences.denied import denied

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


def test_package_counts_once():
    assert names("MIT", "GPL-1.0-only", "GPL-2.0-only") == ["GPL-1.0-only"]


def test_exception_is_named_or_matched():
    written = "GPL-2.0-only WITH Classpath-exception-2.0"
    assert names(written, patterns=("GPL-2.0-only",)) == []
    assert names(written, patterns=("gpl-2.0-only with *",)) == [written]
