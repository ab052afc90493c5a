"""Words that are not used, since an engineer who is not a native speaker stumbles over them."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
INSTEAD = {
    r"told": "reported, known, found",
    r"tells?": "shows, says, reports, distinguishes",
    r"whoever": "anyone who",
    r"nobody|somebody": "no one, someone, or the thing itself",
    r"strangers?": "attacker, untrusted input",
    r"betray(?:s|ed)?": "is a credential, reveals",
    r"cur(?:e|es|ed|ing)": "fix",
    r"mend(?:s|ed|ing)?": "fix",
    r"repair(?:s|ed|ing)?": "fix",
    r"bills?": "SBOM",
    r"wish(?:es|ed)?": "what is asked for",
    r"broke off": "closed the connection",
    r"laid over": "merged",
    r"(?<![-:])(?<!certificate )authorit(?:y|ies)": "CA",
}
TEXTS = sorted(
    path
    for pattern in ("src/leadline/**/*.py", "docs/*.md", "docs/decisions/*.md", "docs/ci/*.md", "*.md")
    for path in ROOT.glob(pattern)
    if path.name not in ("CHANGELOG.md", "glossary.md")
)
ALLOWED = re.compile(r"[Aa]uto[-_]?[Rr]epair|\.tell\(\)|certificate-authority|proxy_authority|url\.authority")


def test_the_texts_are_found():
    assert len(TEXTS) > 500


@pytest.mark.parametrize("word", INSTEAD)
def test_a_word_that_stumbles_is_not_used(word: str) -> None:
    pattern = re.compile(rf"\b(?:{word})\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in TEXTS
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(ALLOWED.sub("", line))
    ]
    assert found == [], f"say {INSTEAD[word]}"
