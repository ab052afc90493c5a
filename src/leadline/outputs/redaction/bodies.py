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
_MOST_TEXTS = 65_536
_MOST_PARTS = 65_536
_WHOLE = range(-(1 << 63), 1 << 64)


def redacted_object(body: dict[str, Any], found: SecretValues | None = None) -> dict[str, Any]:
    """``body`` without its secrets and without the values of ``found``. What holds none is not copied.

    ``status``, ``metadata.managedFields`` and the last applied configuration are left out: they repeat the object.
    """
    return BodyHider(SecretValues() if found is None else found).shown(body)


Looked = dict[int, object]
"""Fields that were looked through and hold more than a text, by ``id``; held, so that nothing else gets it. Objects of a
cluster share such fields."""


def learn_secrets(body: dict[str, Any], found: SecretValues, looked: Looked) -> None:
    """Adds to ``found`` what of ``body`` is a secret by its place, its name or its form, so that it is hidden elsewhere too.

    Every object of a scan is read by it: it copies nothing, looks once at what objects share, which it adds to ``looked``,
    and asks for no form where no name and no line end is near.
    """
    if len(looked) > _MOST_PARTS:
        looked.clear()
    is_holder = body.get("kind") in HOLDERS
    for field, value in body.items():
        if field == "status":
            continue
        if is_holder and field in DATA:
            _learn_held(value, found, is_encoded=body.get("kind") == "Secret" and field == "data")
        elif field == "metadata" and isinstance(value, dict):
            _learn({text_key(field): _without_copies(value)}, found, looked)
        else:
            _learn({text_key(field): value}, found, looked)


def _learn_held(values: Any, found: SecretValues, *, is_encoded: bool) -> None:
    rules = _rules()
    for key, value in values.items() if isinstance(values, dict) else ():
        if isinstance(value, str) and len(value) >= SHORTEST:
            plain = decoded_base64(value) if is_encoded else value
            if (
                rules.betrays_text(str(key), plain)
                or (is_encoded and rules.has_shape(plain))
                or is_strong(plain)
            ):
                found.add(plain)


def _learn(fields: dict[str, Any], found: SecretValues, looked: Looked) -> None:
    todo: list[tuple[Any, int]] = [(fields, 0)]
    while todo:
        value, depth = todo.pop()
        if depth > DEEPEST:
            continue
        if value.__class__ is list:
            _learn_words(value, found)
            todo += [(item, depth + 1) for item in value if item.__class__ in (dict, list)]
            continue
        for key, item in value.items():
            kind = item.__class__
            if kind is str:
                if (_may_name(key) or "\n" in item) and _shown(text_key(key), item)[1]:
                    found.add(item)
            elif (kind is dict or kind is list) and id(item) not in looked:
                looked[id(item)] = item
                todo.append((item, depth + 1))
        if "value" in value and is_secret_pair(value.get("name"), value["value"]):
            found.add(value["value"])


def _learn_words(words: list[Any], found: SecretValues) -> None:
    """Those of a command line among them: ``--password``, its value, and ``password=value``."""
    flag = ""
    for word in words:
        if word.__class__ is not str:
            flag = ""
            continue
        if flag or "=" in word:
            said = _said(flag, word)
            if said:
                found.add(said)
        elif "\n" in word and _shown("", word)[1]:
            found.add(word)
        flag = word if word.startswith("-") and "=" not in word else ""


def _said(flag: str, word: str) -> str:
    """The credential that a word of a command line holds, after ``flag`` where that has no value of its own; else empty."""
    if flag and not word.startswith("-") and _is_named(flag.lstrip("-"), word):
        return word
    name, equals, said = word.partition("=")
    return said if equals and len(name) < 100 and _is_named(name.lstrip("-"), said) else ""


def is_secret_pair(name: Any, value: Any) -> bool:
    """Whether ``{name: …, value: …}``, as in variables, headers and parameters, holds a credential."""
    if not (isinstance(name, str) and isinstance(value, str)):
        return False
    return name.lower() in _HEADERS or _is_named(name, value)


def _is_named(name: str, value: str) -> bool:
    # Pods repeat the variables and words of what makes them.
    return _may_name(name) and (
        _is_named_short(name, value) if len(value) <= _CACHED_CHARACTERS else _rules().is_named(name, value)
    )


@lru_cache(maxsize=16_384)
def _is_named_short(name: str, value: str) -> bool:
    return _rules().is_named(name, value)


@lru_cache(maxsize=16_384)
def _may_name(key: Any) -> bool:
    return _rules().may_name(text_key(key))


def _without_copies(metadata: dict[Any, Any]) -> dict[Any, Any]:
    notes = metadata.get("annotations")
    repeats = isinstance(notes, dict) and _DROPPED_ANNOTATION in notes
    if not repeats and "managedFields" not in metadata:
        return metadata
    kept = {k: v for k, v in metadata.items() if k != "managedFields"}
    if isinstance(notes, dict) and repeats:
        kept["annotations"] = {k: v for k, v in notes.items() if k != _DROPPED_ANNOTATION}
    return kept


def text_key(key: Any) -> str:
    return storable_text(key if isinstance(key, str) else str(key))


def storable_text(text: str) -> str:
    """``text`` with ``?`` for unpaired surrogates, which UTF-8 cannot hold."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


@lru_cache(maxsize=1)
def _rules() -> CredentialRules:
    return rules_for(SENSITIVE_KEY_NAMES, (), (), ())


class BodyHider:
    """Takes secrets out of objects: what is hidden for its place, its name or its form, and the values of ``found``."""

    def __init__(self, found: SecretValues) -> None:
        self._found = found
        self._texts: dict[tuple[str, str], str] = {}
        self._keys: dict[str, str] = {}
        """The same few thousand texts fill most objects."""
        self._parts: dict[int, tuple[Any, Any]] = {}
        """What fields have become that hold more than a text, by ``id``, of ``env`` by its negative; held, so that nothing
        else gets the id. Objects of a cluster share such fields."""
        self._known = len(found)

    def shown(self, body: dict[str, Any]) -> dict[str, Any]:
        """``body`` as it may be shown."""
        self._renew()
        kept = {text_key(k): v for k, v in body.items() if k != "status"}
        if body.get("kind") in HOLDERS:
            for field in DATA & kept.keys():
                values = kept[field]
                kept[field] = (
                    dict.fromkeys(map(self._key, values), HIDDEN) if isinstance(values, dict) else HIDDEN
                )
        metadata = kept.get("metadata")
        if isinstance(metadata, dict):
            kept["metadata"] = _without_copies(metadata)
        return {self._key(k): self._value(v, k, 1) for k, v in kept.items()}

    def value(self, value: Any) -> Any:
        """A part of an object as it may be shown."""
        self._renew()
        return self._value(value, "", 0)

    def _renew(self) -> None:
        """Forgets what parts have become once more secrets are known."""
        if self._known != len(self._found) or len(self._texts) > _MOST_TEXTS:
            self._texts.clear()
            self._keys.clear()
            self._parts.clear()
            self._known = len(self._found)
        if len(self._parts) > _MOST_PARTS:
            self._parts.clear()

    def _value(self, value: Any, key: str, depth: int) -> Any:
        kind = value.__class__
        if kind is str:
            return self._text(value, key)
        if kind is tuple:
            value, kind = list(value), list
        if kind is not dict and kind is not list:
            return _storable_scalar(value)
        if depth > DEEPEST:
            return "…"
        return self._mapping(value, depth) if kind is dict else self._list(value, key, depth)

    def _field(self, value: Any, key: str, depth: int) -> Any:
        """As ``_value``, once for each mapping and list that fields share."""
        if value.__class__ is not dict and value.__class__ is not list:
            return self._value(value, key, depth)
        part = -id(value) if key == "env" else id(value)
        known = self._parts.get(part)
        if known is None:
            known = self._parts[part] = value, self._value(value, key, depth)
        return known[1]

    def _text(self, value: str, key: str) -> str:
        spot = key, value
        shown = self._texts.get(spot)
        if shown is None:
            shown = self._found.hide(_shown(key, value)[0])
            shown = value if shown == value else shown
            if len(value) <= _CACHED_CHARACTERS:
                self._texts[spot] = shown
        return shown

    def _key(self, key: Any) -> str:
        if key.__class__ is not str:
            key = text_key(key)
        shown = self._keys.get(key)
        if shown is None:
            shown = self._text(key, "")
            if len(key) <= _CACHED_CHARACTERS:
                self._keys[key] = shown
        return shown

    def _mapping(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        changed: dict[Any, tuple[str, Any]] = {}
        # Half a million fields of a cluster pass here: what is known is looked up without a call.
        texts, keys = self._texts, self._keys
        for key, item in value.items():
            is_text = key.__class__ is str
            name = (keys.get(key) if is_text else None) or self._key(key)
            # A value is judged by the name that it has, also where that may not be shown.
            shown = texts.get((key, item)) if is_text and item.__class__ is str else None
            if shown is None:
                shown = self._field(item, key if is_text else name, depth + 1)
            if shown is not item or name is not key:
                changed[key] = name, shown
        if "value" in value and is_secret_pair(value.get("name"), value["value"]):
            changed["value"] = "value", HIDDEN
        if not changed:
            return value
        return dict(changed.get(key, (key, item)) for key, item in value.items())

    def _list(self, value: list[Any], key: str, depth: int) -> list[Any]:
        items: list[Any] = []
        flag = ""
        for item in value:
            if isinstance(item, str):
                items.append(self._word(flag, item))
                flag = item if item.startswith("-") and "=" not in item else ""
                continue
            if key == "env" and isinstance(item, dict) and "value" in item:
                item = {**item, "value": HIDDEN}
            items.append(self._value(item, "", depth + 1))
            flag = ""
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items

    def _word(self, flag: str, word: str) -> str:
        said = _said(flag, word) if flag or "=" in word else ""
        if not said:
            return self._text(word, "")
        return HIDDEN if said is word else f"{self._text(word.partition('=')[0], '')}={HIDDEN}"


def _storable_scalar(value: Any) -> Any:
    """Numbers that JSON does not have are ``None``, those beyond 64 bits their digits."""
    if value is None or value.__class__ is bool:
        return value
    if isinstance(value, int):
        return value if value in _WHOLE else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return storable_text(str(value))


def _shown(key: str, value: str) -> tuple[str, bool]:
    """``value`` of the field ``key`` as it may be shown, and whether it is a secret that may be elsewhere too."""
    if len(value) < SHORTEST:
        return storable_text(value), False
    if key and _is_named(key, value) and not _OBJECT_NAME.fullmatch(value):
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
