"""Finds users' Rego in a folder: rules with a description beside them, controls that name rules, and plain files.

The layout is that of https://github.com/kubescape/regolibrary: ``<rule>/rule.metadata.json`` (or ``.yaml``) with
``raw.rego`` and perhaps ``filter.rego``; ``controls/*.json``; ``default-config-inputs.json``. Any other ``*.rego`` is
a rule of its own over every object.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.posture.languages.rego import EVERYTHING, ControlFile, RegoMatch, RegoRule
from leadline.sources.manifests.reader import documents_of
from leadline.sources.regular_file import files_below
from leadline.sources.yaml.parser import LIMITS, Memory
from leadline.untyped import items, mapping, text, texts

_METADATA = ("rule.metadata.json", "rule.metadata.yaml", "rule.metadata.yml")
_RAW, _FILTER = "raw.rego", "filter.rego"
_INPUTS = "default-config-inputs.json"
_LARGEST_BYTES = 1 << 20
_SETTING = re.compile(r"\bdata\.postureControlInputs\.([A-Za-z_]\w*)")
_SETTINGS_PATH = "settings.postureControlInputs."
_LANGUAGES = ("", "rego")


class RegoFolder(Struct, frozen=True):
    rules: tuple[RegoRule, ...] = ()
    controls: tuple[ControlFile, ...] = ()
    inputs: Mapping[str, tuple[str, ...]] = {}
    """Settings by the name that rules read them under."""


class UnusableError(Exception):
    pass


def read_rego(folder: Path) -> RegoFolder:
    """The rules and controls below ``folder``, or in the one file that it is. What is broken is a rule with a problem."""
    if folder.is_file():
        return RegoFolder((_plain(folder),)) if folder.suffix == ".rego" else RegoFolder()
    described = {path.parent: path for name in reversed(_METADATA) for path in files_below(folder, name)}
    found = [_described(place, metadata) for place, metadata in sorted(described.items())]
    rules = [rule for rule in found if isinstance(rule, RegoRule)]
    retired = {rule for rule in found if isinstance(rule, str)}
    for path in files_below(folder, "*.rego"):
        if path.parent not in described and not path.name.endswith("_test.rego"):
            rules.append(_plain(path))
    if not rules:
        return RegoFolder()
    files = [c for p in files_below(folder, "*.json") if (c := _control_of(p)) is not None]
    return RegoFolder(_once_each(rules), tuple(_without(c, retired) for c in files), _inputs_of(folder))


def _once_each(rules: list[RegoRule]) -> tuple[RegoRule, ...]:
    """Two rules of one name cannot both be meant: the second is reported."""
    by_name: dict[str, RegoRule] = {}
    for rule in rules:
        first = by_name.setdefault(rule.name, rule)
        if first is not rule:
            name = f"{rule.name}-{sum(name.startswith(rule.name) for name in by_name) + 1}"
            by_name[name] = RegoRule(
                name, rule.file, "", problem=f"{first.file} is called {rule.name} as well"
            )
    return tuple(by_name.values())


def _plain(path: Path) -> RegoRule:
    name, shown = path.stem, path.as_posix()
    try:
        source = _text(path)
    except UnusableError as reason:
        return RegoRule(name, shown, "", problem=str(reason))
    return RegoRule(name, shown, source, settings=_named_settings(source))


def _described(place: Path, metadata: Path) -> RegoRule | str:
    """The rule of one folder, or the name of one that its description has retired."""
    shown, metadata_path = (place / _RAW).as_posix(), metadata.as_posix()
    try:
        table = _table(metadata)
    except UnusableError as reason:
        return RegoRule(place.name, metadata_path, "", problem=str(reason))
    name = text(table.get("name")) or place.name
    attributes = mapping(table.get("attributes"))
    if attributes.get("useUntilKubescapeVersion"):
        return name
    language = text(table.get("ruleLanguage")).lower()
    if language not in _LANGUAGES:
        return RegoRule(name, metadata_path, "", problem=f"its language is {language}, not Rego")
    try:
        source = _text(place / _RAW)
        counting = _text(place / _FILTER) if (place / _FILTER).exists() else ""
    except UnusableError as reason:
        return RegoRule(name, shown, "", problem=str(reason))
    declared = _declared_settings(table)
    blocks = [*items(table.get("match")), *items(table.get("dynamicMatch"))]
    return RegoRule(
        name,
        shown,
        source,
        counting,
        (place / _FILTER).as_posix(),
        tuple(_match(block) for block in blocks if isinstance(block, dict)) or (EVERYTHING,),
        text(attributes.get("resourcesAggregator")),
        tuple(dict.fromkeys((*declared, *_named_settings(source), *_named_settings(counting)))),
        _documentation(table),
    )


def _match(block: dict[str, Any]) -> RegoMatch:
    groups = frozenset("" if word == "core" else word for word in texts(block.get("apiGroups")))
    written = tuple(texts(block.get("resources")))
    names = frozenset(word.lower() for word in written)
    return RegoMatch(groups, frozenset(texts(block.get("apiVersions"))), names, written)


def _declared_settings(table: dict[str, Any]) -> Iterator[str]:
    for row in items(table.get("controlConfigInputs")):
        path = text(mapping(row).get("path"))
        if path.startswith(_SETTINGS_PATH):
            yield path.removeprefix(_SETTINGS_PATH)


def _named_settings(source: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_SETTING.findall(source)))


def _control_of(path: Path) -> ControlFile | None:
    """The control of a JSON file in a folder called ``controls``; ``None`` for every other file."""
    if path.parent.name != "controls":
        return None
    try:
        table = _table(path)
    except UnusableError:
        return None
    control_id, rules = text(table.get("controlID")), texts(table.get("rulesNames"))
    if not control_id or not rules:
        return None
    category = mapping(table.get("category"))
    words = (text(category.get("name")), text(mapping(category.get("subCategory")).get("name")))
    score = table.get("baseScore")
    is_manual = mapping(table.get("attributes")).get("actionRequired") == "manual review"
    fixed = _settings(mapping(table.get("fixedInput")))
    return ControlFile(
        control_id,
        text(table.get("name")) or control_id,
        float(min(10.0, max(0.0, score))) if isinstance(score, int | float) else 0.0,
        " / ".join(word for word in words if word) or "Custom",
        _documentation(table),
        tuple(rules),
        fixed,
        (_folded(table.get("remediation")) or _folded(table.get("description"))) if is_manual else "",
    )


def _without(control: ControlFile, retired: set[str]) -> ControlFile:
    kept = tuple(name for name in control.rules if name not in retired)
    return replace(control, rules=kept)


def _documentation(table: dict[str, Any]) -> str:
    """The author's own words in the form of a control's documentation."""
    first, fix = _folded(table.get("description")), _folded(table.get("remediation"))
    return "\n\n".join(part for part in (first, f"Fix: {fix}" if fix else "") if part)


def _folded(value: Any) -> str:
    return " ".join(text(value).split())


def _inputs_of(folder: Path) -> dict[str, tuple[str, ...]]:
    try:
        table = _table(folder / _INPUTS)
    except UnusableError:
        return {}
    settings = mapping(mapping(table.get("settings")).get("postureControlInputs")) or table
    return _settings(settings)


def _settings(table: dict[Any, Any]) -> dict[str, tuple[str, ...]]:
    """Whatever is not a list of texts under a name is left out."""
    listed = {name: items(value) for name, value in table.items() if isinstance(name, str)}
    return {name: tuple(texts(value)) for name, value in listed.items() if value}


def _table(path: Path) -> dict[str, Any]:
    documents = documents_of(_text(path).encode(), path.name, LIMITS, Memory())
    for document in documents:
        if document.problem is not None:
            raise UnusableError(f"{path.name}: {document.problem.why} (line {document.problem.line})")
    if len(documents) != 1 or not isinstance(documents[0].body, dict):
        raise UnusableError(f"{path.name} does not hold one object")
    return documents[0].body


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise UnusableError(f"{path.name} is not a file")
        if path.stat().st_size > _LARGEST_BYTES:
            raise UnusableError(f"{path.name} is larger than {_LARGEST_BYTES >> 20} MiB")
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise UnusableError(f"there is no {path.name}") from error
    except OSError as error:
        raise UnusableError(f"cannot read {path.name}: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise UnusableError(f"{path.name} is not UTF-8") from error
