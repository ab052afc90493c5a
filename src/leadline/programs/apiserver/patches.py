"""Patches of JSON: merge patches (RFC 7396) and patches by operations (RFC 6902)."""

from typing import Any

from leadline.programs.serving.cluster import refusal

MAX_OPERATIONS = 10_000
MAX_COPIED = 100_000
"""Values, of all copies of one patch."""
MAX_COPIED_BYTES = 4 << 20
"""Of their texts and names: what is copied thousands of times may be long."""
MAX_MOVED = 20_000_000
"""Entries of lists that make room for another, in one patch."""
_MISSING = object()


def merge(whole: Any, patch: Any) -> Any:
    """``whole`` with ``patch`` merged in; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(whole) if isinstance(whole, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict):
            merged[name] = merge(merged.get(name), value)
        else:
            merged[name] = value
    return merged


def operate(whole: Any, operations: Any) -> Any:
    """``whole`` after ``operations``, which may change it.

    Raises: ``Refusal`` for an operation that is none, that has no place, or a test that fails.
    """
    if not isinstance(operations, list) or not all(isinstance(operation, dict) for operation in operations):
        raise refusal.bad_request("a JSON patch is a list of operations")
    if len(operations) > MAX_OPERATIONS:
        raise refusal.too_large("the list of operations", MAX_OPERATIONS)
    budget = _Budget()
    for operation in operations:
        whole = _one(whole, operation, budget)
    return whole


class _Budget:
    """How much may still be copied: a few copies of a whole into itself would fill the memory."""

    def __init__(self) -> None:
        self._left = MAX_COPIED
        self._left_bytes = MAX_COPIED_BYTES
        self._left_moves = MAX_MOVED

    def copy(self, value: Any) -> Any:
        """Raises: ``Refusal`` where it is used up."""
        self._left -= 1
        if self._left < 0:
            raise refusal.too_large("what a JSON patch copies", MAX_COPIED)
        if isinstance(value, str):
            self._copy_text(value)
        if isinstance(value, dict):
            for name in value:
                self._copy_text(name)
            return {name: self.copy(member) for name, member in value.items()}
        if isinstance(value, list):
            return [self.copy(member) for member in value]
        return value

    def _copy_text(self, text: str) -> None:
        self._left_bytes -= 4 * len(text)  # UTF-8 takes so much at most
        if self._left_bytes < 0:
            raise refusal.too_large("what a JSON patch copies", MAX_COPIED_BYTES)

    def move(self, entries: list[Any]) -> None:
        """An entry comes into or out of ``entries``. Raises: ``Refusal`` where it is used up."""
        self._left_moves -= len(entries)
        if self._left_moves < 0:
            raise refusal.too_large("what a JSON patch moves in lists", MAX_MOVED)


def _one(whole: Any, operation: dict[str, Any], budget: _Budget) -> Any:
    path = _pointer(operation.get("path"))
    match operation.get("op"):
        case "add":
            return _add(whole, path, _value(operation), budget)
        case "remove":
            return _remove(whole, path, budget)
        case "replace":
            _get(whole, path)
            return (
                _add(_remove(whole, path, budget), path, _value(operation), budget)
                if path
                else _value(operation)
            )
        case "move":
            source = _pointer(operation.get("from"))
            value = _get(whole, source)
            return _add(_remove(whole, source, budget), path, value, budget)
        case "copy":
            return _add(whole, path, budget.copy(_get(whole, _pointer(operation.get("from")))), budget)
        case "test":
            if _get(whole, path) != _value(operation):
                raise _unprocessable(f"testing value {operation.get('path')} failed")
            return whole
        case other:
            raise refusal.bad_request(f"unknown operation of a JSON patch: {other!r}")


def _pointer(text: Any) -> list[str]:
    if not isinstance(text, str) or (text and not text.startswith("/")):
        raise refusal.bad_request(f"no JSON pointer: {text!r}")
    return [part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:]]


def _value(operation: dict[str, Any]) -> Any:
    value = operation.get("value", _MISSING)
    if value is _MISSING:
        raise refusal.bad_request("an operation of a JSON patch lacks its value")
    return value


def _get(whole: Any, path: list[str]) -> Any:
    for name in path:
        if isinstance(whole, dict) and name in whole:
            whole = whole[name]
        elif isinstance(whole, list):
            whole = whole[_index(name, len(whole) - 1)]
        else:
            raise _no_place(path)
    return whole


def _add(whole: Any, path: list[str], value: Any, budget: _Budget) -> Any:
    if not path:
        return value
    parent = _get(whole, path[:-1])
    if isinstance(parent, dict):
        parent[path[-1]] = value
    elif isinstance(parent, list):
        budget.move(parent)
        at = len(parent) if path[-1] == "-" else _index(path[-1], len(parent))
        parent.insert(at, value)
    else:
        raise _no_place(path)
    return whole


def _remove(whole: Any, path: list[str], budget: _Budget) -> Any:
    if not path:
        raise _no_place(path)
    _get(whole, path)
    parent = _get(whole, path[:-1])
    if isinstance(parent, dict):
        del parent[path[-1]]
    else:
        budget.move(parent)
        del parent[_index(path[-1], len(parent) - 1)]
    return whole


def _index(text: str, last: int) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) > last:
        raise _unprocessable(f"no such index: {text}")
    return int(text)


def _no_place(path: list[str]) -> refusal.Refusal:
    return _unprocessable(f"there is nothing at /{'/'.join(path)}")


def _unprocessable(message: str) -> refusal.Refusal:
    return refusal.Refusal(
        422, "Invalid", f"the server rejected our request due to an error in our request: {message}"
    )
