"""Objects that are safe to publish: names and references stay, values go. What stays is what JSON can hold."""

import math
import re
from functools import lru_cache
from typing import Any

from leadline.outputs.redaction.shapes import HIDDEN, SHORTEST, decoded_base64, redacted_text
from leadline.outputs.redaction.values import SecretValues
from leadline.posture.checks.container_credentials import SENSITIVE_KEY_NAMES
from leadline.posture.checks.credentials import CredentialRules, rules_for

HOLDERS = ("Secret", "ConfigMap")
DATA = frozenset({"data", "stringData", "binaryData"})
DEEPEST = 120
_DROPPED_ANNOTATION = "kubectl.kubernetes.io/last-applied-configuration"
_OBJECT_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9./]*[a-z0-9])?")
"""How objects refer to each other: under ``secret`` or ``token`` it is more often a name than a value."""
_HEADERS = frozenset({"authorization", "proxy-authorization", "cookie", "x-api-key", "x-auth-token"})
_CACHED_CHARACTERS = 256
_WHOLE = range(-(1 << 63), 1 << 64)


def redacted_object(body: dict[str, Any], found: SecretValues | None = None) -> dict[str, Any]:
    """``body`` without its secrets, which are added to ``found``. What holds none is not copied.

    ``status``, ``metadata.managedFields`` and the last applied configuration are left out: they repeat the object.
    """
    hider = _Hider(found if found is not None else SecretValues())
    kept = {text_key(k): v for k, v in body.items() if k != "status"}
    if body.get("kind") in HOLDERS:
        is_encoded = body.get("kind") == "Secret"
        for field in DATA & kept.keys():
            kept[field] = hider.held(kept[field], is_encoded=is_encoded and field == "data")
    metadata = kept.get("metadata")
    if isinstance(metadata, dict):
        kept["metadata"] = _without_copies(metadata)
    return {k: hider.without(v, k, 1) for k, v in kept.items()}


def _without_copies(metadata: dict[Any, Any]) -> dict[Any, Any]:
    kept = {k: v for k, v in metadata.items() if k != "managedFields"}
    notes = kept.get("annotations")
    if isinstance(notes, dict) and _DROPPED_ANNOTATION in notes:
        kept["annotations"] = {k: v for k, v in notes.items() if k != _DROPPED_ANNOTATION}
    return kept


def known_values(value: Any, found: SecretValues, depth: int = 0) -> Any:
    """A redacted body without the values of ``found``, which were found in other objects too."""
    if isinstance(value, str):
        return found.hide(value)
    if depth > DEEPEST:
        return value
    if isinstance(value, dict):
        changed = {found.hide(k): known_values(v, found, depth + 1) for k, v in value.items()}
        is_same = changed.keys() == value.keys() and all(changed[k] is v for k, v in value.items())
        return value if is_same else changed
    if isinstance(value, list):
        items = [known_values(item, found, depth + 1) for item in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value


def text_key(key: Any) -> str:
    return storable_text(key if isinstance(key, str) else str(key))


def storable_text(text: str) -> str:
    """``text`` with ``?`` for unpaired surrogates, which UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=1)
def _rules() -> CredentialRules:
    return rules_for(SENSITIVE_KEY_NAMES, (), (), ())


class _Hider:
    """Walks one object. What it hides because of where it stands, or what it is called, is remembered."""

    def __init__(self, found: SecretValues) -> None:
        self._found = found

    def held(self, values: Any, *, is_encoded: bool) -> Any:
        """What a Secret or ConfigMap holds: keys stay."""
        if not isinstance(values, dict):
            return HIDDEN
        for key, value in values.items():
            if isinstance(value, str):
                plain = decoded_base64(value) if is_encoded else value
                if (
                    _rules().betrays_text(str(key), plain)
                    or (is_encoded and _rules().has_shape(plain))
                    or is_strong(plain)
                ):
                    self._found.add(plain)
        return dict.fromkeys(map(text_key, values), HIDDEN)

    def without(self, value: Any, key: str, depth: int) -> Any:
        kind = value.__class__
        if kind is str:
            return self._text(value, key)
        if depth > DEEPEST and kind in (dict, list):
            return "…"
        if kind is dict:
            return self._mapping(value, depth)
        if kind is list:
            return self._list(value, key, depth)
        return _storable_scalar(value)

    def _text(self, value: str, key: str) -> str:
        if len(value) > _CACHED_CHARACTERS:
            text, is_secret = _shown(key, value)
        else:
            text, is_secret = _shown_short(key, value)
        if is_secret:
            self._found.add(value)
        return text

    def _mapping(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        changed: dict[Any, tuple[str, Any]] = {}
        for key, item in value.items():
            name = key if key.__class__ is str and key.isascii() else text_key(key)
            shown = self.without(item, name, depth + 1)
            if shown is not item or name is not key:
                changed[key] = name, shown
        if "value" in value and self._is_secret_pair(value.get("name"), value["value"]):
            changed["value"] = "value", self._hidden(value["value"])
        if not changed:
            return value
        return dict(changed.get(key, (key, item)) for key, item in value.items())

    def _is_secret_pair(self, name: Any, value: Any) -> bool:
        """Whether ``{name: …, value: …}``, as in headers and parameters, holds a credential."""
        if not (isinstance(name, str) and isinstance(value, str)):
            return False
        return name.lower() in _HEADERS or self._is_credential(name, value)

    def _list(self, value: list[Any], key: str, depth: int) -> list[Any]:
        if key == "env":
            value = [self._variable(item) for item in value]
        items: list[Any] = []
        flag = ""
        for item in value:
            if isinstance(item, str):
                items.append(self._word(flag, item))
                flag = item if item.startswith("-") and "=" not in item else ""
            else:
                items.append(self.without(item, "", depth + 1))
                flag = ""
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items

    def _word(self, flag: str, word: str) -> str:
        """A word of a command line, after ``flag`` where that has no value of its own."""
        if flag and not word.startswith("-") and self._is_credential(flag.lstrip("-"), word):
            return self._hidden(word)
        name, equals, said = word.partition("=")
        if equals and len(name) < 100 and self._is_credential(name.lstrip("-"), said):
            self._hidden(said)
            return f"{storable_text(redacted_text(name))}={HIDDEN}"
        return self._text(word, "")

    def _variable(self, variable: Any) -> Any:
        if not (isinstance(variable, dict) and "value" in variable):
            return variable
        value = variable["value"]
        if isinstance(value, str) and self._is_credential(str(variable.get("name", "")), value):
            self._found.add(value)
        return {**variable, "value": HIDDEN}

    def _is_credential(self, name: str, value: str) -> bool:
        return _rules().is_named(name, value)

    def _hidden(self, value: str) -> str:
        self._found.add(value)
        return HIDDEN


def _storable_scalar(value: Any) -> Any:
    """Numbers that JSON does not have are ``None``, those beyond 64 bits their digits."""
    if value is None or value.__class__ is bool:
        return value
    if isinstance(value, int):
        return value if value in _WHOLE else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return storable_text(str(value))


@lru_cache(maxsize=16_384)
def _shown_short(key: str, value: str) -> tuple[str, bool]:
    """The same few thousand fields fill most objects."""
    return _shown(key, value)


def _shown(key: str, value: str) -> tuple[str, bool]:
    """``value`` of the field ``key`` as it may be shown, and whether it is a secret that may stand elsewhere too."""
    if len(value) < SHORTEST:
        return storable_text(value), False
    if key and _rules().is_named(key, value) and not _OBJECT_NAME.fullmatch(value):
        return HIDDEN, True
    text = redacted_text(value)
    return storable_text(text), text != value and "\n" in value


def is_credential(name: str, value: str) -> bool:
    """Whether ``value`` is a secret by its name, its form or its mix of characters."""
    return _rules().is_credential(name, value) or is_strong(value)


def is_strong(value: str) -> bool:
    """Whether ``value`` is too mixed for a word, a name, an address or a file: three kinds of characters in one word."""
    if not 8 <= len(value) <= 256 or "\n" in value or "/" in value or " " in value:
        return False
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum() and c not in "-._:")
    return sum(any(map(kind, value)) for kind in kinds) >= 3
