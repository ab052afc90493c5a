"""Settings of controls out of a file: the ecosystem's JSON, or TOML or YAML of the same shape."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from leadline.errors import SourceError, UsageError
from leadline.kube.quantity import parse_quantity
from leadline.model.control import Control
from leadline.sources.manifests.reader import documents_of
from leadline.sources.regular_file import read_given
from leadline.sources.yaml.parser import LIMITS, Memory

Settings = Mapping[str, tuple[str, ...]]
_LARGEST_BYTES = 4 << 20
_BOUND = re.compile(r"(?:cpu|memory)_\w+_(?:max|min)\Z")


def shipped_settings(controls: Iterable[Control]) -> dict[str, tuple[str, ...]]:
    """Every setting of ``controls`` with the value it ships with, by name."""
    return {name: value for c in controls for name, value in sorted(c.settings.items())}


def users_of(controls: Iterable[Control]) -> dict[str, list[str]]:
    """For each setting the ids of the controls that read it, sorted."""
    users: dict[str, list[str]] = {}
    for control in sorted(controls, key=lambda c: c.id):
        for name in control.settings:
            users.setdefault(name, []).append(control.id)
    return users


def read_settings(path: str, known: Settings) -> Settings:
    """``known`` with what the file says instead. Names match without regard to case, ``_`` and ``-``.

    The file is flat (``{"cpu_limit_max": ["2"]}``) or nested under ``postureControlInputs``, within ``settings`` or not.

    Raises: ``UsageError`` for an unknown name or a value that is not a list of texts; ``SourceError`` where the
    file cannot be read.
    """
    table = _table(path)
    for outer in ("settings", "postureControlInputs"):
        inner = table.get(outer)
        if isinstance(inner, dict):
            table = inner
    names = {_folded(name): name for name in known}
    chosen = dict(known)
    for written, value in table.items():
        name = names.get(_folded(str(written)))
        if name is None:
            raise UsageError(f"{path}: unknown setting {written}", hint=_nearest(str(written), names))
        chosen[name] = _texts(value, f"{path}: {written}")
        _check(name, chosen[name], f"{path}: {written}")
    return chosen


def _check(name: str, values: tuple[str, ...], where: str) -> None:
    """Raises: ``UsageError`` for a bound that no amount could be held against."""
    if _BOUND.search(name):
        for value in values:
            if parse_quantity(value) is None:
                raise UsageError(f"{where} must be an amount such as 500m or 1Gi (got {value[:40]})")


def _folded(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _nearest(name: str, names: Mapping[str, str]) -> str:
    from difflib import get_close_matches  # only for a name that is wrong

    near = get_close_matches(_folded(name), names, n=1)
    return f"did you mean {names[near[0]]}?" if near else "leadline config settings shows all of them"


def _texts(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, str | int | float):
        value = [value]
    if not isinstance(value, list) or not all(isinstance(v, str | int | float) for v in value):
        raise UsageError(f"{where} must be a list of texts")
    return tuple(_text(v) for v in value)


def _text(value: str | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _table(path: str) -> dict[str, Any]:
    content = read_given(path, _LARGEST_BYTES)
    if Path(path).suffix.lower() == ".toml":
        return _toml(content, path)

    documents = documents_of(content, path, LIMITS, Memory())
    for document in documents:
        if document.problem is not None:
            raise SourceError(f"{path}:{document.problem.line}: {document.problem.why}")
    if len(documents) != 1 or not isinstance(documents[0].body, dict):
        raise UsageError(f"{path} holds no settings", hint='write for example {"cpu_limit_max": ["2"]}')
    return documents[0].body


def _toml(content: bytes, path: str) -> dict[str, Any]:

    import tomllib  # compiles patterns, and most settings are JSON or YAML

    try:
        return tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} is not valid TOML: {error}") from error
