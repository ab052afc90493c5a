"""Whether a name and its value, or a text, are a credential. Nothing here keeps or returns a value.

Names are compared word by word, so that ``key`` is found in ``API_KEY`` and ``apiKey`` but not in
``KEYBOARD``; what the last word says is not a credential (``TOKEN_URL``, ``PASSWORD_FILE``) is let go.
"""

import base64
import math
import re
from collections import Counter
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

import msgspec

from leadline.packages.late_pattern import late_pattern
from leadline.posture.checks.token_shapes import has_login, has_token, is_template
from leadline.untyped import MALFORMED

LONGEST_VALUE = 4096
"""Characters of one value that patterns are tried on; a credential is shorter."""
LONGEST_TEXT = 262_144
"""Characters of a configuration file that are read."""

_WORD = late_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_TWO_WORDS = late_pattern(
    r"(.+)(passwords?|secrets?|tokens?|credentials?)|(access|api|auth|encryption|private|secret|signing)(keys?)"
)
_TELLS_OF = frozenset(
    [
        "age",
        "alg",
        "algorithm",
        "annotation",
        "annotations",
        "arn",
        "audience",
        "cidr",
        "cidrs",
        "claim",
        "claims",
        "class",
        "cmd",
        "column",
        "command",
        "connector",
        "cookie",
        "count",
        "days",
        "dir",
        "directory",
        "disable",
        "disabled",
        "enable",
        "enabled",
        "endpoint",
        "env",
        "expiration",
        "expires",
        "expiry",
        "field",
        "fields",
        "file",
        "folder",
        "format",
        "hasher",
        "header",
        "hint",
        "host",
        "hostname",
        "hours",
        "html",
        "interval",
        "ip",
        "ips",
        "issuer",
        "label",
        "labels",
        "length",
        "lifetime",
        "limit",
        "location",
        "manager",
        "mapping",
        "max",
        "method",
        "min",
        "minute",
        "minutes",
        "mode",
        "mount",
        "name",
        "namespace",
        "path",
        "pattern",
        "policy",
        "port",
        "prefix",
        "prompt",
        "provider",
        "realm",
        "ref",
        "regex",
        "regexp",
        "required",
        "reset",
        "review",
        "rotation",
        "scope",
        "scopes",
        "seconds",
        "selector",
        "size",
        "store",
        "suffix",
        "template",
        "timeout",
        "ttl",
        "type",
        "uri",
        "url",
        "usage",
        "user",
        "username",
        "var",
        "variable",
        "version",
        "volume",
        "volumes",
    ]
)
"""A last word that speaks about a credential instead of holding it."""
_QUALIFIES_KEY = frozenset(
    [
        "api",
        "access",
        "secret",
        "private",
        "encryption",
        "auth",
        "signing",
        "master",
        "storage",
        "account",
        "session",
        "shared",
        "license",
        "aws",
        "azure",
        "gcp",
        "stripe",
        "app",
        "service",
        "client",
        "hmac",
        "crypt",
        "encrypt",
        "webhook",
        "admin",
        "batch",
    ]
)
_EMPTY_WORDS = frozenset(
    {
        *("true", "false", "yes", "no", "on", "off", "0", "1"),
        *("enable", "enabled", "disable", "disabled", "optional", "required"),
        *("none", "null", "nil", "undefined"),
    }
)
_COUNTED = (("secret",), ("token",))
"""Names whose plural seldom holds any of them: it is a number, or what they are called."""
_NO_CREDENTIALS = frozenset({("initial", "cluster", "token")})
"""Names of what is called like a credential and is none: etcd distinguishes its clusters by this one."""

_SCRIPTS = (".sh", ".py", ".js", ".ts", ".rb", ".pl", ".ps1", ".lua", ".go", ".java")
"""Ends of the names of programs: ``get-token.sh`` holds no token."""
_CODE = late_pattern(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*[(\[]|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+[;,)]?")
"""How an expression of a program begins, which reads a value from elsewhere: ``form.value``, ``os.getenv(``."""
_SHORTEST_ENCODED = 20
"""Characters of base64 that can hold a credential."""
MOST_PAIRS = 1000
"""Names and values of one JSON text that are looked at."""
_MOST_NAMES = 8_192

_ASSIGNMENT = late_pattern(
    r"""^\s*(?:export\s+|-\s+|--?)?["']?([\w.-]{2,80})["']?\s*[:=]\s*["']?([^\s"',;#]{1,512})"""
)


class CredentialRules:
    """The words and patterns in force, compiled when first asked for. Use ``rules_for``, which keeps them."""

    def __init__(
        self,
        names: tuple[str, ...],
        names_allowed: tuple[str, ...],
        values: tuple[str, ...],
        values_allowed: tuple[str, ...],
    ) -> None:
        self._settings = names, values, values_allowed
        self._names_allowed = tuple(name.lower() for name in names_allowed if name)
        self._read_names: dict[str, tuple[tuple[str, ...], ...] | None] = {}
        """What ``_wanted_in`` said of names, which repeat."""

    @cached_property
    def _names(self) -> tuple[tuple[str, ...], ...]:
        return tuple(words(name) for name in self._settings[0])

    @cached_property
    def _first_words(self) -> frozenset[str]:
        firsts = frozenset(name[0] for name in self._names if name)
        return firsts | {word + "s" for word in firsts}

    @cached_property
    def _values(self) -> re.Pattern[str] | None:
        return _any_of(self._settings[1])

    @cached_property
    def _values_allowed(self) -> re.Pattern[str] | None:
        return _any_of(self._settings[2])

    def is_credential(self, name: str, value: str) -> bool:
        """Whether ``value`` under ``name`` is a credential in plain text."""
        if self._stands_for_another(name, value):
            return False
        return self.has_shape(value) or self._is_named(name, value)

    def is_named(self, name: str, value: str) -> bool:
        """Whether ``name`` says that ``value`` is one, whatever its form."""
        return self._is_named(name, value) and not self._stands_for_another(name, value)

    def _stands_for_another(self, name: str, value: str) -> bool:
        """Whether it is a path, a template or a variable, or is allowed."""
        if not value or value.startswith("/") or is_template(value[:LONGEST_VALUE]):
            return True
        return self._is_allowed(name, value)

    def betrays_text(self, name: str, value: str) -> bool:
        """As ``is_credential``, for a value that may be a whole file: its lines are read as assignments too."""
        if self.is_credential(name, value):
            return True
        if "\n" not in value.strip() or self._is_allowed(name, value):
            return False
        return any(
            self._is_named(key, said)
            for key, said in _assignments(value[:LONGEST_TEXT])
            if not self._is_allowed(key, said)
        )

    def has_shape(self, value: str) -> bool:
        """Whether the form of ``value``, plain or in base64, is that of a credential."""
        if self._tells(value[:LONGEST_TEXT]):
            return True
        decoded = _decoded(value)
        return decoded is not None and self._tells(decoded)

    def _tells(self, text: str) -> bool:
        return (
            has_token(text)
            or has_login(text)
            or (self._values is not None and bool(self._values.search(text[:LONGEST_VALUE])))
        )

    def _is_allowed(self, name: str, value: str) -> bool:
        if self._names_allowed:
            lowered = name.lower()
            if any(allowed in lowered for allowed in self._names_allowed):
                return True
        return self._values_allowed is not None and bool(self._values_allowed.search(value[:LONGEST_VALUE]))

    def may_name(self, name: str) -> bool:
        """Whether ``name`` is that of a credential where its value is one: false for most names, and quick to ask."""
        parts = words(name)
        return bool(parts) and parts[-1] not in _TELLS_OF and not self._first_words.isdisjoint(parts)

    def _wanted_in(self, name: str) -> tuple[tuple[str, ...], ...] | None:
        """The names of credentials that ``name`` holds; ``None`` where it is that of none, whatever its value says."""
        if not self.may_name(name):
            return None
        parts = words(name)
        if parts[-1] in ("id", "ids") and "access" not in parts:  # that of an access key is half of a login
            return None
        if "public" in parts or any(_contains(parts, name) for name in _NO_CREDENTIALS):
            return None
        return tuple(wanted for wanted in self._names if wanted and _contains(parts, wanted))

    def _is_named(self, name: str, value: str) -> bool:
        known = self._read_names
        if name not in known:
            if len(known) >= _MOST_NAMES:
                known.clear()
            known[name] = self._wanted_in(name)
        names = known[name]
        if names is None:
            return False
        plain = value.strip().lower()
        if (
            plain in _EMPTY_WORDS
            or not any(map(str.isalnum, plain))
            or "=/" in plain
            or (name.isupper() and name in value)  # API_KEY: INSERT_API_KEY
            or ("://" in plain and not has_login(value))
            or plain.startswith("/")
            or plain.endswith(_SCRIPTS)
        ):
            return False
        if plain[0] in "{[" and (said := _pairs_in(value)) is not None:
            return any(self._is_named(key, inner) for key, inner in said)
        parts = words(name)
        for wanted in names:
            if wanted in _COUNTED and (*wanted[:-1], wanted[-1] + "s") == parts[-1:]:
                return _is_random(value)  # MAX_TOKENS, IMAGE_PULL_SECRETS
            if wanted != ("key",):
                return not (wanted == ("secret",) and parts[-1] == "secret" and _is_object_name(value))
            if not _QUALIFIES_KEY.isdisjoint(parts) or _is_random(value):
                return True
        return False


@lru_cache(maxsize=64)
def rules_for(
    names: tuple[str, ...],
    names_allowed: tuple[str, ...],
    values: tuple[str, ...],
    values_allowed: tuple[str, ...],
) -> CredentialRules:
    """The rules for these settings, compiled once."""
    return CredentialRules(names, names_allowed, values, values_allowed)


def speaks_about_a_credential(name: str) -> bool:
    """Whether the last word of ``name`` says that it holds none itself: ``TOKEN_URL``, ``username``."""
    parts = words(name)
    return bool(parts) and parts[-1] in _TELLS_OF


@lru_cache(maxsize=8192)
def words(name: str) -> tuple[str, ...]:
    """``dbPassword``, ``DB_PASSWORD``, ``db.password`` and ``DBPASSWORD`` are all ``("db", "password")``."""
    found = (part.lower() for part in _WORD.findall(name[:256]))
    return tuple(word for part in found for word in _parted(part))


def _parted(word: str) -> tuple[str, ...]:
    """The two words that ``pgpassword`` and ``apikey`` are; any key but a qualified one stays, as in ``monkey``."""
    match = _TWO_WORDS.fullmatch(word)
    return tuple(part for part in match.groups() if part) if match else (word,)


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str] | None:
    """One pattern for all; one that is not a valid regular expression is taken as plain text."""
    parts = []
    for pattern in filter(None, patterns):
        try:
            re.compile(pattern)
        except re.error:
            pattern = re.escape(pattern)
        parts.append(f"(?:{pattern})")
    return re.compile("|".join(parts), re.IGNORECASE) if parts else None


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if (
            len(line) <= LONGEST_VALUE
            and (match := _ASSIGNMENT.match(line))
            and not is_template(match[2])
            and not _is_code(match[2])
        ):
            yield match[1], match[2]


def _is_code(value: str) -> bool:
    found = _CODE.match(value)
    return found is not None and (found[0] == value or found[0][-1] in "([")


def _pairs_in(text: str) -> list[tuple[str, str]] | None:
    """Every name in a JSON text with the text under it; ``None`` where it is not JSON."""
    try:
        todo: list[Any] = [msgspec.json.decode(text[:LONGEST_TEXT])]
    except MALFORMED:
        return None
    pairs: list[tuple[str, str]] = []
    while todo and len(pairs) < MOST_PAIRS:
        value = todo.pop()
        if isinstance(value, dict):
            pairs += [(str(k), v) for k, v in value.items() if isinstance(v, str)]
            todo += value.values()
        elif isinstance(value, list):
            todo += value
    return pairs


def _contains(parts: tuple[str, ...], wanted: tuple[str, ...]) -> bool:
    size = len(wanted)
    plural = (*wanted[:-1], wanted[-1] + "s")
    return any(parts[i : i + size] in (wanted, plural) for i in range(len(parts) - size + 1))


def _is_object_name(value: str) -> bool:
    """Whether it reads as the name of a Kubernetes object, ``web-tls``, which a Secret is referred to by."""
    if len(value) > 63 or "-" not in value:
        return False
    return bool(re.fullmatch(r"[a-z][a-z-]*[a-z]|[a-z][a-z0-9-]*-secrets?", value))


def _is_random(value: str) -> bool:
    """Whether the characters are too many and too mixed for words: 3.2 bits each over at least 16."""
    if not 16 <= len(value) <= LONGEST_VALUE or " " in value.strip():
        return False
    counts = Counter(value)
    entropy = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    return entropy >= 3.2 and any(c.isdigit() for c in value) and any(c.isalpha() for c in value)


def _decoded(value: str) -> str | None:
    """What ``value`` says in base64; ``None`` where it is none."""
    compact = "".join(value.split()) if _SHORTEST_ENCODED <= len(value) <= LONGEST_TEXT else ""
    if len(compact) < _SHORTEST_ENCODED or len(compact) % 4:
        return None
    try:
        return base64.b64decode(compact, validate=True).decode("utf-8")
    except ValueError:
        return None
