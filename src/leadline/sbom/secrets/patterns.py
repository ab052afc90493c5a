"""What credentials look like: tokens by their own form, passwords by the name of what they are given to."""

import re
from collections.abc import Iterator
from functools import cache

from msgspec import Struct

LONGEST_PIECE = 4096
OVERLAP = 512
"""Characters that neighbouring pieces of a long line share, more than any token has."""
SHORTEST_VALUE = 4
BY_NAME = "credential by its name"


class Form(Struct, frozen=True):
    """One kind of credential."""

    kind: str
    marks: tuple[str, ...]
    """In lower case; a text without any of them holds no such credential, which is cheap to find out."""
    pattern: str
    is_token: bool = True
    """Whether it is recognised by its form alone, wherever it is."""
    files: tuple[str, ...] = ()
    """Endings of the files it is sought in; empty for all."""


FORMS = (
    Form("private key", ("private key",), r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
    Form("private key", ("age-secret-key-1",), r"\bAGE-SECRET-KEY-1[0-9A-Z]{58}\b"),
    Form("PuTTY private key", ("putty-user-key",), r"^PuTTY-User-Key-File-\d", is_token=False),
    Form("AWS access key", ("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    Form(
        "AWS secret key",
        ("aws_secret_access_key",),
        r"(?i)aws_secret_access_key['\"]?\s*[=:]\s*['\"]?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=])",
    ),
    Form(
        "GitHub token",
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,255})\b",
    ),
    Form(
        "GitLab token",
        ("glpat-", "glrt-", "gldt-", "glcbt-", "glptt-", "glsoat-"),
        r"\bgl(?:pat|rt|dt|cbt|ptt|soat)-[A-Za-z0-9_.-]{20,300}",
    ),
    Form("Slack token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}\b"),
    Form(
        "Slack webhook",
        ("hooks.slack.com/",),
        r"\bhooks\.slack\.com/(?:services|workflows)/[A-Za-z0-9/]{30,100}",
    ),
    Form("Google API key", ("aiza",), r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    Form("Google client secret", ("gocspx-",), r"\bGOCSPX-[A-Za-z0-9_-]{28}(?![A-Za-z0-9_-])"),
    Form("Google refresh token", ("1//0",), r"(?<![\w/])1//0[A-Za-z0-9_-]{40,200}"),
    Form("Stripe key", ("k_live_",), r"\b[rs]k_live_[A-Za-z0-9]{20,247}\b"),
    Form("OpenAI key", ("sk-",), r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,200}"),
    Form("Anthropic key", ("sk-ant-",), r"\bsk-ant-[a-z0-9]{3,10}-[A-Za-z0-9_-]{40,200}"),
    Form("Hugging Face token", ("hf_",), r"\bhf_[A-Za-z]{34}\b"),
    Form("SendGrid key", ("sg.",), r"\bSG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
    Form("DigitalOcean token", ("_v1_",), r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    Form("Docker Hub token", ("dckr_",), r"\bdckr_[po]at_[A-Za-z0-9_-]{20,64}"),
    Form("Terraform token", (".atlasv1.",), r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,80}"),
    Form("Vault token", ("hvs.", "hvb.", "hvr."), r"\bhv[sbr]\.[A-Za-z0-9_-]{24,250}"),
    Form("Databricks token", ("dapi",), r"\bdapi[a-f0-9]{32}\b"),
    Form(
        "Grafana token",
        ("glsa_", "glc_"),
        r"\b(?:glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_eyJ[A-Za-z0-9+/]{40,400})",
    ),
    Form("Shopify token", ("shp",), r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b"),
    Form(
        "npm token",
        ("npm_", ":_auth", ":_password", "_auth"),
        r"(?:\bnpm_[A-Za-z0-9]{36}\b|(?:^|:)_(?:authToken|auth|password)\s*=\s*['\"]?[^\s$'\"]{8,})",
    ),
    Form("PyPI token", ("pypi-",), r"\bpypi-AgE[A-Za-z0-9_-]{50,}"),
    Form("RubyGems token", ("rubygems_",), r"\brubygems_[a-f0-9]{48}\b"),
    Form(
        "registry credential",
        ('"auth"', '"identitytoken"', '"registrytoken"'),
        r"\"(?:auth|identitytoken|registrytoken)\"\s*:\s*\"[A-Za-z0-9+/=._-]{8,}\"",
        is_token=False,
    ),
    Form(
        "Azure secret",
        ("accountkey=", "sharedaccesskey="),
        r"(?i)(?:AccountKey|SharedAccessKey)=[A-Za-z0-9+/]{43,}={0,2}",
    ),
    Form(
        "authorization header",
        ("authorization",),
        r"(?i)\bauthorization['\"]?\s*[:=]\s*['\"]?(?:basic|bearer|token)\s+[A-Za-z0-9+/=_.~-]{12,}",
    ),
    Form(
        "signed token",
        (".eyj",),
        r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}",
    ),
    Form("client key", ("client-key-data",), r"client-key-data\s*:\s*[A-Za-z0-9+/]{60,}", is_token=False),
    Form(
        "password in an address",
        ("://",),
        r"\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@'\"$<{%]{0,80}:[^\s:/@'\"${<*%][^\s/@'\"$<{]{2,120}@[\w.\[-]",
    ),
    Form(
        "password",
        ("password",),
        r"(?i)(?:^|\s)password\s+[^\s$<*{]{4,}",
        is_token=False,
        files=("netrc", ".authinfo"),
    ),
    Form("password", (":",), r"^[^:#\s]+:[\d*]+:[^:]*:[^:]+:.+", is_token=False, files=(".pgpass",)),
    Form(
        "password hash",
        (":$", ":{sha}", ":{ssha}"),
        r"^[^:\s#]{1,80}:(?:\$(?:2[abxy]?|apr1|1|5|6|7|y|gy)\$|\{S?SHA\})\S{10,}",
        is_token=False,
    ),
    Form(
        "password",
        ("chpasswd",),
        r"\b[a-z_][\w-]{0,31}:[^\s:'\"$]{3,}['\"]?\s*\|\s*(?:sudo\s+)?(?:\S*/)?chpasswd\b",
    ),
    Form(
        "password",
        ("curl",),
        r"\bcurl(?=\s)[^|;&]{0,200}?\s(?:-u\s*|--user[= ])['\"]?[^\s:'\"$]{1,80}:[^\s'\"$]{3,}",
    ),
)
TOKEN_MARKS = tuple(
    (mark, form) for form in FORMS if form.is_token and form.marks != ("://",) for mark in form.marks
)
_KEY_WORDS = (
    r"secret|token|credentials?|pwd|pass|api_?key|access_?key|auth_?key|private_?key|secret_?key(?:_base)?"
    r"|(?:encryption|signing|master|app|account|storage|session|jwt)_?key"
)
_NAME = rf"(?i)(?:password|passwd|passphrase|(?:^|[_.:-])(?:{_KEY_WORDS}))$"
_CAMEL = r"[a-z0-9](?:Secret|Token|ApiKey|AccessKey|AuthKey|PrivateKey|SecretKey|Pwd)$"
"""Names of variables that hold a credential themselves: ``TOKEN_FILE`` and ``GPG_KEY`` do not."""
_WORDS = ("credential", "key", "pass", "pwd", "secret", "token")
"""One of them is in each of these."""
_NO_VALUE = (
    r"(?i)[$<{*/!]|\./|%|[a-z+.]+://|enc\[|x{3,}|\.{3}|your[\s_-]|replace[\s_-]?(?:me|with)|placeholder|dummy|\[?redacted|changeit$"
    r"|\[[a-z_]+\]$|(?:true|false|none|null|nil|undefined|yes|enabled?|disabled?|required|optional|prompt|ask)$"
)
"""How a value begins that represents another one, or says yes or no."""
_COUNT = r"(?i)token$|pass$"
_PAIR = (
    r"(?<![\w.:-])-{0,2}(?P<quote>[\"']?)(?P<name>[A-Za-z_][\w.:-]{0,100})(?P=quote)\s*(?:=>|:=|[:=])\s*"
    r"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<plain>[^\s\"',;<>()\[\]}]+))"
)
_ELEMENT = r"<(?P<name>[A-Za-z][\w.-]{0,100})>(?P<value>[^<>]{4,})</"
_ATTRIBUTES = r"(?i)\b(?:key|name)=\"(?P<name>[^\"]{1,100})\"\s+value=\"(?P<value>[^\"]*)\""
_CALL = r"\(\s*['\"](?P<name>\w{1,100})['\"]\s*,\s*['\"](?P<value>[^'\"]*)['\"]"


@cache
def pattern_of(form: Form) -> re.Pattern[str]:
    """Compiled at first use: most images have nothing that comes near."""
    return re.compile(form.pattern)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """At first use: those who only hide tokens need none of them."""
    return re.compile(pattern)


def forms_for(text: str, path: str = "") -> tuple[Form, ...]:
    """The forms that may occur in ``text``, which the file at ``path`` holds."""
    folded = text.lower()
    return tuple(
        form
        for form in FORMS
        if any(mark in folded for mark in form.marks) and (not form.files or path.endswith(form.files))
    )


def formed(line: str, forms: tuple[Form, ...]) -> str:
    """The kind of the first of ``forms`` that ``line`` holds; empty where it holds none."""
    for piece in _pieces(line):
        for form in forms:
            if pattern_of(form).search(piece):
                return form.kind
    return ""


def tokens_for(text: str) -> tuple[Form, ...]:
    """Those that are recognised wherever they are."""
    return tuple(form for form in forms_for(text) if form.is_token)


def token_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where in ``text`` the tokens are that are recognised wherever they are; of addresses only the whole is known."""
    folded = text.lower()
    for mark, form in TOKEN_MARKS:
        if mark in folded:
            for start in range(0, len(text), LONGEST_PIECE - OVERLAP):
                piece = text[start : start + LONGEST_PIECE]
                yield from (
                    (start + a, start + b) for a, b in (m.span() for m in pattern_of(form).finditer(piece))
                )


def named_kind(name: str, value: str) -> str:
    """A kind where the variable ``name`` announces a credential and ``value`` may be one; else empty.

    A password that people choose has no form of its own, so that only its name shows it.
    """
    value = value.strip().strip("'\"").strip()
    if len(value) < SHORTEST_VALUE or not may_name_credential(name):
        return ""
    if not (_pattern(_NAME).search(name) or _pattern(_CAMEL).search(name)):
        return ""
    if _pattern(_NO_VALUE).match(value) or "public" in name.lower():
        return ""
    # ``MAX_TOKEN=4096`` is a number of something.
    return "" if value.isdecimal() and len(value) < 8 and _pattern(_COUNT).search(name) else BY_NAME


def may_name_credential(text: str) -> bool:
    """Whether a name that announces a credential may be in ``text``; most configurations of images have none to compile patterns for."""
    folded = text.casefold()
    return any(word in folded for word in _WORDS)


def pairs(line: str) -> Iterator[tuple[str, str]]:
    """Names and values that are in one line of settings, whatever language they are written in."""
    for piece in _pieces(line):
        for match in _pattern(_PAIR).finditer(piece):
            yield match["name"], match["double"] or match["single"] or match["plain"] or ""
        for pattern in (_ELEMENT, _ATTRIBUTES, _CALL) if "<" in piece or "(" in piece else ():
            yield from ((match["name"], match["value"]) for match in _pattern(pattern).finditer(piece))


def _pieces(line: str) -> Iterator[str]:
    yield line[:LONGEST_PIECE]
    for start in range(LONGEST_PIECE - OVERLAP, len(line) - OVERLAP, LONGEST_PIECE - OVERLAP):
        yield line[start : start + LONGEST_PIECE]
