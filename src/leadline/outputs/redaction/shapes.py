"""Hides credentials in a text: by their form, in plain or in base64, and by the name that they are given to."""

import re
from binascii import a2b_base64
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from leadline.posture.checks.token_shapes import credential_spans, has_login, has_token
from leadline.posture.checks.token_shapes import marks as credential_marks
from leadline.sbom.secrets.patterns import TOKEN_MARKS, token_spans

HIDDEN = "XXXXXX"
"""What is in place of a value; the ecosystem's readers know these six letters."""
SHORTEST = 6
"""Shorter texts hold no credential that could be distinguished from a word."""

_LOGIN = (
    r"(?<=://)(?:[^/\s:@'\"]*:[^/\s'\"]+"
    r"|(?=[^/\s:@]*\d)(?=[^/\s:@]*[A-Za-z])[\w.~%+-]{16,}:?)(?=@)"
)
"""Before the last ``@`` of an address, as Go reads it: name and password, or a token in place of the name. The host stays."""
_OLD_FORMS = (
    r"\bgh[pousr]_[0-9A-Za-z]{30,}"
    r"|\bsk_(?:live|test)_[0-9A-Za-z]{8,}"
    r"|(?<![\w-])eyJ[0-9A-Za-z_-]{8,4096}\.[0-9A-Za-z_-]{8,}(?:\.[0-9A-Za-z_-]*)?"
)
"""Shorter than a credential that would be reported: nothing is lost by hiding one too many."""
_NAMED = (
    r"(?i:(?P<name>(?:passw(?:or)?d|passphrase|secret|token|credentials?"
    r"|(?:api|access|private|secret|encryption)[-_.]?key)['\"]?\s*[:=]\s*['\"]?)"
    r"(?!true\b|false\b|null\b|~|[{\[>|&*]|['\"]?\s*$)[^\s'\",}]+)"
)
_NAME_MARKS = ("passw", "passphrase", "secret", "token", "credential", "key")
_REST = r"[\w+/=~.%-]*"
"""What a token continues with beyond the part by which it was recognised."""
_IN_BASE64 = r"[A-Za-z0-9+/_-]{20,}={0,2}"
_NO_TEXT = frozenset("ghijklmnopqrstuv")
"""The first byte is then one that continues with a character of UTF-8, and begins none: most paths need no decoding."""
_CACHED_CHARACTERS = 512
_SHORTEST_TOKEN = 24
_SIGNS = (":", "=", "/", " ", "xox")


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """Compiled when first needed: together they would cost a scan that redacts nothing some milliseconds."""
    return re.compile(pattern, re.DOTALL)


def redacted_text(text: str) -> str:
    """``text`` with credentials in addresses, keys, tokens and ``password=…`` hidden."""
    if len(text) < SHORTEST or (len(text) < _SHORTEST_TOKEN and _is_name(text)):
        return text
    return _redacted_short(text) if len(text) <= _CACHED_CHARACTERS else _redacted(text)


def _is_name(text: str) -> bool:
    """Whether a short text is in small letters and without signs, so that no token and no ``name=value`` is in it."""
    return text.islower() and not _has_any(text, _SIGNS)


@lru_cache(maxsize=16_384)
def _redacted_short(text: str) -> str:
    """The same few thousand texts fill most objects."""
    return _redacted(text)


def _redacted(text: str) -> str:
    text = hidden_spans(text, _spans(text))
    if (":" in text or "=" in text) and _has_any(text.lower(), _NAME_MARKS):
        text = _pattern(_NAMED).sub(rf"\g<name>{HIDDEN}", text)
    return text


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Where credentials are that are recognised by their form."""
    if "://" in text:
        yield from (found.span() for found in _pattern(_LOGIN).finditer(text))
    if "gh" in text or "sk_" in text or "eyJ" in text:
        yield from (found.span() for found in _pattern(_OLD_FORMS).finditer(text))
    if _has_any(text.lower(), _token_marks()):
        rest = _pattern(_REST)
        for start, end in (*credential_spans(text), *token_spans(text)):
            found = rest.match(text, end)
            yield start, found.end() if found else end
    for found in _pattern(_IN_BASE64).finditer(text):
        decoded = decoded_base64(found[0])
        if decoded and (has_token(decoded) or has_login(decoded)):
            yield found.span()


@cache
def _token_marks() -> tuple[str, ...]:
    """In small letters: without any of them a text holds no token, and most texts hold none. The shortest of those alike."""
    marks = {mark.lower() for mark in (*credential_marks(), *(mark for mark, _ in TOKEN_MARKS))}
    return tuple(sorted(one for one in marks if not any(other in one for other in marks - {one})))


def hidden_spans(text: str, spans: Iterable[tuple[int, int]]) -> str:
    """``text`` with every span hidden; those that overlap as one."""
    parts: list[str] = []
    at = 0
    for start, end in sorted(spans):
        if end <= at:
            continue
        if start >= at:
            parts += [text[at:start], HIDDEN]
        at = end
    return "".join(parts) + text[at:] if parts else text


def decoded_base64(text: str) -> str:
    """What ``text`` says in base64, of either alphabet; empty where it is none or no text."""
    if text[:1] in _NO_TEXT:
        return ""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True).decode("utf-8")
    except ValueError:
        return ""


def _has_any(text: str, marks: tuple[str, ...]) -> bool:
    """Asked of every text of a report: ``any`` over a generator takes three times as long."""
    for mark in marks:  # noqa: SIM110
        if mark in text:
            return True
    return False
