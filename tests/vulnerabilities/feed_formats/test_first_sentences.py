import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.vulnerabilities.feed_formats.values import LONGEST_SUMMARY, first_sentences


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        (None, ""),
        ("One sentence.", "One sentence."),
        ("### Impact\nA user can read files.\n\n### Patches\nUpgrade.", "A user can read files. Upgrade."),
        ("See [the docs](https://example.org/a) for `Session.get`.", "See the docs for Session.get."),
        ("Before.\n```python\nimport os\n```\nAfter.", "Before. After."),
        ("A first. " + "b" * 400, "A first."),
        ("c" * 400, "c" * (LONGEST_SUMMARY - 1) + "…"),
    ],
)
def test_text_becomes_whole_sentences_of_one_line(text: str | None, expected: str):
    assert first_sentences(text) == expected


@given(st.text("[]()`#. !\na", max_size=2000))
def test_any_text_becomes_one_line(text: str):
    found = first_sentences(text)
    assert len(found) <= LONGEST_SUMMARY
    assert "\n" not in found


@pytest.mark.parametrize("mark", ["[", "![", "[a](", "`", "#", "```", "[]("])
def test_text_of_marks_alone_is_read_at_once(mark: str):
    assert len(first_sentences(mark * 100_000)) <= LONGEST_SUMMARY
