"""Tokens whose form alone shows what they are, and addresses that carry a password.

Each service's own documentation of its tokens is the source of their form: prefix, alphabet, length.
"""

import base64
import re
from collections.abc import Iterator
from functools import cache

_KEY = "PRIVATE KEY"
_KEY_LAST_LINE = "-----END"
_ROWS: tuple[tuple[str, str], ...] = (
    (_KEY, r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    ("AKIA", r"\bAKIA[0-9A-Z]{16}\b"),
    ("ASIA", r"\bASIA[0-9A-Z]{16}\b"),
    ("AccountKey=", r"\bAccountKey=[0-9A-Za-z+/]{40,}"),
    ("SharedAccessKey=", r"\bSharedAccessKey=[0-9A-Za-z+/]{40,}"),
    ("sig=", r"[?&]sig=[0-9A-Za-z%+/]{40,}"),
    ("AIza", r"\bAIza[0-9A-Za-z_-]{35}\b"),
    ("dop_v1_", r"\bdop_v1_[0-9a-f]{64}\b"),
    ("gh", r"\bgh[pousr]_[0-9A-Za-z]{36}\b"),
    ("github_pat_", r"\bgithub_pat_[0-9A-Za-z_]{50,}"),
    ("gl", r"\bgl(?:pat|rt|dt|ptt|cbt|ft|imt|soat|agent)-[0-9A-Za-z_-]{20}"),
    ("xox", r"\bxox[abeprs]-[0-9A-Za-z-]{10,}"),
    ("xapp-", r"\bxapp-\d-[0-9A-Z]{8,}-\d{10,}-[0-9a-f]{32,}"),
    ("hooks.slack.com", r"\bhooks\.slack\.com/services/T[0-9A-Z]{6,}/B[0-9A-Z]{6,}/[0-9A-Za-z]{16,}"),
    ("/api/webhooks/", r"\bdiscord(?:app)?\.com/api/webhooks/\d{15,}/[0-9A-Za-z_-]{50,}"),
    (":AA", r"\b\d{8,10}:AA[0-9A-Za-z_-]{33}\b"),
    ("k_live_", r"\b[sr]k_live_[0-9A-Za-z]{20,}"),
    ("shp", r"\bshp(?:at|ca|pa|ss)_[0-9a-f]{32}\b"),
    ("sq0", r"\bsq0(?:atp|csp)-[0-9A-Za-z_-]{22,}"),
    ("SK", r"\bSK[0-9a-f]{32}\b"),
    ("SG.", r"\bSG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}"),
    ("key-", r"\bkey-[0-9a-f]{32}\b"),
    ("npm_", r"\bnpm_[0-9A-Za-z]{36}\b"),
    ("pypi-", r"\bpypi-AgE[0-9A-Za-z_-]{40,}"),
    ("dckr_", r"\bdckr_[op]at_[0-9A-Za-z_-]{27,}"),
    ("sk-", r"\bsk-(?:ant|proj|svcacct|admin)-[0-9A-Za-z_-]{24,}"),
    ("T3BlbkFJ", r"\bsk-[0-9A-Za-z]{20}T3BlbkFJ[0-9A-Za-z]{20}\b"),
    ("hf_", r"\bhf_[0-9A-Za-z]{34}\b"),
    ("hv", r"\bhv[sbr]\.[0-9A-Za-z_-]{24,}"),
    (".atlasv1.", r"\b[0-9A-Za-z]{14}\.atlasv1\.[0-9A-Za-z_-]{60,}"),
    ("dapi", r"\bdapi[0-9a-f]{32}\b"),
    ("glsa_", r"\bglsa_[0-9A-Za-z]{32}_[0-9a-f]{8}\b"),
    ("NRAK-", r"\bNRAK-[0-9A-Z]{27}\b"),
    ("PMAK-", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{34}\b"),
    ("lin_api_", r"\blin_api_[0-9A-Za-z]{40}\b"),
    ("AGE-SECRET-KEY-1", r"\bAGE-SECRET-KEY-1[0-9A-Z]{50,}"),
    ("eyJhbGciO", r"(?<![\w-])eyJhbGciO[0-9A-Za-z_-]{5,4096}\.[0-9A-Za-z_-]{10,}"),
    ("eyJ", r"(?<![\w-])eyJ[0-9A-Za-z_-]{10,4096}\.eyJ[0-9A-Za-z_-]{10,8192}\.[0-9A-Za-z_-]{10,}"),
    ("Bearer ", r"\bBearer [0-9A-Za-z._~+/-]{20,}"),
    ("Authorization: Basic ", r"\bAuthorization: Basic [0-9A-Za-z+/]{8,}"),
    ('"auths"', r'"auths"\s*:\s*\{[^}]{0,512}"auth"\s*:\s*"[0-9A-Za-z+/]{8,}'),
)
"""What a text must hold for the pattern to be worth trying, and the pattern."""
SHORTEST_TOKEN = 14
"""Characters that the shortest text has which any of these patterns matches."""
_FEWEST_CHARACTERS = 4
"""Of the end of a token: one filled up with the same few, ``XXXXXXXX``, represents none."""

_LOGINS = (
    ("://", r"(?i)\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,128}:([^\s/@]{1,256})@"),
    (
        "://",
        r"(?i)://[^\s\"']{1,512}[?&;](?:password|passwd|pwd)=([^\s&;\"']{1,256})",
    ),
    (
        ";",
        r"(?i)\b(?:server|data source|host)=[^;\n]{1,256};(?:[^;\n]{1,256};){0,8}?"
        r"\s?(?:password|pwd)=([^;\s\"']{1,256})",
    ),
)
"""A password in an address, before its host or among its parameters, and in a connection string."""
_QUERY = (
    r"(?i)[?&](?:access[_-]?token|auth[_-]?token|api[_-]?key|apikey|token|secret|client[_-]?secret|key)="
    r"([^\s&#\"'<>{}$]{12,256})"
)
"""A token among the parameters of an address."""
_BASIC = r"\bBasic ([0-9A-Za-z+/]{8,256}={0,2})"
"""User name and password of HTTP in base64."""
_TEMPLATE = r"\$[({]|<[^>]*>$|%\(|__\w+__$|\$\w[\w.-]*$|`"


def is_template(value: str) -> bool:
    """Whether a template or a variable fills ``value`` in later."""
    return "{{" in value or _shape(_TEMPLATE).match(value) is not None


@cache
def _shape(pattern: str) -> re.Pattern[str]:
    """Compiled at first use: most texts have nothing that comes near, and all together cost a start 10 ms."""
    return re.compile(pattern)


def has_token(text: str) -> bool:
    """Whether a known kind of token is in ``text``."""
    return len(text) >= SHORTEST_TOKEN and (
        any(
            len(set(found[0][-12:])) >= _FEWEST_CHARACTERS
            for mark, shape in _ROWS
            if mark in text
            for found in _shape(shape).finditer(text)
        )
        or ("Basic " in text and any(_is_login(found[1]) for found in _shape(_BASIC).finditer(text)))
        or ("://" in text and any(_is_mixed(found[1]) for found in _shape(_QUERY).finditer(text)))
    )


def _is_login(encoded: str) -> bool:
    """Whether base64 says ``user:password``."""
    try:
        plain = base64.b64decode(encoded, validate=True).decode("utf-8")
    except ValueError:
        return False
    user, colon, password = plain.partition(":")
    return bool(user and colon and password) and plain.isprintable()


def _is_mixed(value: str) -> bool:
    """Whether letters and digits are in it, more than a few of them different: no word, no version, no number."""
    return (
        any(map(str.isdigit, value))
        and any(map(str.isalpha, value))
        and len(set(value)) > 2 * _FEWEST_CHARACTERS
    )


def has_login(text: str) -> bool:
    """Whether an address in ``text`` carries a password, and no variable in its place."""
    return ("://" in text or ";" in text) and any(
        not is_template(found[1]) and any(map(str.isalnum, found[1]))
        for mark, login in _LOGINS
        if mark in text
        for found in _shape(login).finditer(text)
    )


def marks() -> set[str]:
    """A text with none of these in it has no ``credential_spans``."""
    return {mark for mark, _ in (*_ROWS, *_LOGINS)}


def credential_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where in ``text`` the tokens are that ``has_token`` and ``has_login`` recognise; a private key to its end."""
    for mark, shape in _ROWS:
        if mark not in text:  # asked of every text of a report, and nearly always so
            continue
        if mark == _KEY:
            end = 0
            while found := _shape(shape).search(text, end):
                end = _key_end(text, found.end())
                yield found.start(), end
        else:
            yield from (found.span() for found in _shape(shape).finditer(text))
    for mark, login in _LOGINS:
        if mark in text:
            yield from (found.span(1) for found in _shape(login).finditer(text))


def _key_end(text: str, start: int) -> int:
    """The end of the private key whose first line ends at ``start``."""
    last = text.find(_KEY_LAST_LINE, start)
    end = text.find("-----", last + len(_KEY_LAST_LINE)) if last >= 0 else -1
    return end + len("-----") if end >= 0 else len(text)
