"""Words that are not used, since an engineer who is not a native speaker stumbles over them."""

import ast
import re
from functools import cache
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
SOURCES = sorted((ROOT / "src" / "leadline").rglob("*.py"))
ALLOWED = re.compile(r"[Aa]uto[-_]?[Rr]epair|\.tell\(\)|certificate-authority|proxy_authority|url\.authority")


def test_the_texts_are_found():
    assert len(TEXTS) > 500


@pytest.mark.parametrize("word", INSTEAD)
def test_a_word_that_stumbles_is_not_used(word: str) -> None:
    pattern = re.compile(rf"\b(?:{word})\b", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in TEXTS
        if pattern.search(text_of(path))
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if pattern.search(ALLOWED.sub("", line))
    ]
    assert found == [], f"say {INSTEAD[word]}"


MOST = {r"\b(?:is|are|was|were) no\b": 29, r"\bstands?\b": 18}
"""How often messages and public docstrings may still use these; the numbers only fall."""


@pytest.mark.parametrize("words", MOST)
def test_words_that_are_leaving_the_texts_do_not_come_back(words: str) -> None:
    pattern = re.compile(words, re.IGNORECASE)
    found = [text for path in SOURCES for text in public_texts(path) if pattern.search(text)]
    assert sum(len(pattern.findall(text)) for text in found) <= MOST[words], found


@cache
def text_of(path: Path) -> str:
    return path.read_text("utf-8")


@cache
def public_texts(path: Path) -> list[str]:
    """Every text of a module but the docstrings of what is private."""
    texts: list[str] = []
    # Trees are not kept: the collector would walk all of them, again and again.
    left: list[ast.AST] = [ast.parse(text_of(path))]
    while left:
        node = left.pop()
        if isinstance(node, ast.Constant):
            texts += [node.value] if isinstance(node.value, str) else []
            continue
        inner = list(ast.iter_child_nodes(node))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and node.name.startswith(
            "_"
        ):
            inner = [
                one
                for one in inner
                if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
            ]
        left += inner
    return texts
