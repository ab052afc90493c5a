"""Maven (https://maven.apache.org/pom.html#version-order-specification).

Maven's own order is not transitive for a word behind a zero (``1.0.alpha`` > ``1-sp`` > ``1`` > ``1.0.alpha``);
here such a version is where it does against the plain release.
"""

import re
from typing import NamedTuple

from leadline.packages.late_pattern import late_pattern
from leadline.vulnerabilities.ordering import number, ordering, text

_TOKEN = late_pattern(r"([-.])|([0-9]+)|([^-.0-9]+)", re.ASCII)
_SHORT = {"a": "alpha", "b": "beta", "m": "milestone"}
_SAME = {"cr": "rc", "final": "", "ga": "", "release": ""}
_EARLY = {"alpha": 1, "beta": 2, "milestone": 3, "rc": 4, "snapshot": 5}
_BEFORE_DOT, _BEFORE_HYPHEN, _ZERO_BEFORE_HYPHEN, _ZERO_BEFORE_DOT = (bytes((tag,)) for tag in range(1, 5))
_END = b"\5"
_AFTER_DOT, _AFTER_HYPHEN, _HYPHEN, _DOT = (bytes((tag,)) for tag in range(6, 10))
_RELEASE_BEFORE, _RELEASE_AFTER = b"\6", b"\0"


class _Token(NamedTuple):
    hyphen: bool
    digits: str
    """Empty for a word."""
    word: str

    @property
    def is_null(self) -> bool:
        """It says no more than its absence would."""
        return not self.word and not self.digits.strip("0")


@ordering("maven")
def maven(version: str) -> bytes:
    tokens = _trimmed(_tokens(version.lower()))
    return b"".join(_key(token, _is_later(tokens[place:])) for place, token in enumerate(tokens)) + _END


def _tokens(version: str) -> list[_Token]:
    """Parted by hyphens, dots, and where digits meet letters, which counts as a hyphen."""
    found: list[_Token] = []
    separator, is_empty = ".", True
    parts = _TOKEN.findall(version)
    for place, (mark, digits, word) in enumerate(parts):
        if mark:
            if is_empty:
                found.append(_Token(separator == "-", "0", ""))
            separator, is_empty = mark, True
            continue
        if not is_empty:
            separator = "-"
        followed_by_digits = place + 1 < len(parts) and parts[place + 1][1]
        if word:
            word = _SHORT.get(word, word) if followed_by_digits else word
            found.append(_Token(separator == "-", "", _SAME.get(word, word)))
        else:
            found.append(_Token(separator == "-", digits, ""))
        is_empty = False
    return found


def _trimmed(tokens: list[_Token]) -> list[_Token]:
    """Without what says nothing at the end and before each hyphen."""
    kept: list[_Token] = []
    for token in tokens:
        if token.hyphen:
            _trim(kept)
        kept.append(token)
    _trim(kept)
    return kept


def _trim(tokens: list[_Token]) -> None:
    while tokens and tokens[-1].is_null:
        tokens.pop()


def _is_later(tokens: list[_Token]) -> bool:
    """Whether these make a version later than if it ended before them."""
    for token in tokens:
        if not token.is_null:
            return bool(token.digits) or token.word not in _EARLY
    return True


def _key(token: _Token, is_later: bool) -> bytes:
    if token.digits:
        if token.is_null and not is_later:
            return _ZERO_BEFORE_HYPHEN if token.hyphen else _ZERO_BEFORE_DOT
        return (_HYPHEN if token.hyphen else _DOT) + number(token.digits)
    before, after = (_BEFORE_HYPHEN, _AFTER_HYPHEN) if token.hyphen else (_BEFORE_DOT, _AFTER_DOT)
    if not token.word:
        return after + _RELEASE_AFTER if is_later else before + _RELEASE_BEFORE
    if rank := _EARLY.get(token.word):
        return before + bytes((rank,))
    return after + (b"\1" if token.word == "sp" else b"\2" + text(token.word))
