"""The edits of many findings on one object, made together."""

from collections.abc import Iterable
from typing import Any

from leadline.kube.field_path import Step, Steps, entry_of, format_path, parse_path, value_at
from leadline.model.control import Remove, Set, Violation


def edits_of(violations: Iterable[Violation], body: Any) -> tuple[Remove | Set, ...]:
    """Those of ``violations`` that are edits of ``body``, in an order in which one can be made after the other.

    Controls know nothing of each other. What two of them append to one list comes one after the other, what two write
    into one flag that holds a list is merged, and of two other values for one field the first stays.
    """
    violations = tuple(violations)
    written: dict[Steps, Any] = {}
    appended: dict[Steps, list[tuple[Steps, Any]]] = {}
    for one in violations:
        if not isinstance(one, Set):
            continue
        steps = parse_path(one.path)
        last = steps[-1] if steps else None
        items = value_at(body, steps[:-1]) if isinstance(last, int) else None
        if isinstance(last, int) and last >= len(items if isinstance(items, list) else ()):
            _append(appended.setdefault(steps[:-1], []), steps, one.value)
        elif steps in written:
            written[steps] = _merged(value_at(body, steps), written[steps], one.value)
        else:
            written[steps] = one.value
    sets = [Set(format_path(steps), value) for steps, value in written.items()]
    for parent, new in appended.items():
        items = value_at(body, parent)
        start = len(items) if isinstance(items, list) else 0
        sets += [Set(format_path((*parent, start + i)), value) for i, (_, value) in enumerate(new)]
    gone = {entry_of(one.path) for one in violations if isinstance(one, Remove)}
    last_first = sorted(filter(None, gone), key=lambda path: _order(parse_path(path)), reverse=True)
    return (*sets, *map(Remove, last_first))


def _append(new: list[tuple[Steps, Any]], steps: Steps, value: Any) -> None:
    """A word of a command line that names a flag which is appended already joins that one."""
    for i, (known, before) in enumerate(new):
        if before == value:
            return
        if _flag_of(before) and _flag_of(before) == _flag_of(value):
            new[i] = known, _merged(None, before, value)
            return
    new.append((steps, value))


def _merged(original: Any, first: Any, second: Any) -> Any:
    """Both changes of a flag's list in one; ``first`` where it is none."""
    if not _flag_of(first) or _flag_of(first) != _flag_of(second):
        return first
    before, one, other = (_items(word) for word in (original, first, second))
    kept = [item for item in before if item in one and item in other]
    new = [item for item in dict.fromkeys((*one, *other)) if item not in before]
    return f"{_flag_of(first)}={','.join((*kept, *new))}"


def _flag_of(word: Any) -> str:
    """``--name`` of ``--name=value``; empty for every other word."""
    return word.partition("=")[0] if isinstance(word, str) and word.startswith("--") and "=" in word else ""


def _items(word: Any) -> list[str]:
    return [item for item in str(word).partition("=")[2].split(",") if item] if word is not None else []


def _order(steps: tuple[Step, ...]) -> list[tuple[int, str]]:
    """Sorts indexes by number, so that what is later in a list is removed first."""
    return [(step, "") if isinstance(step, int) else (0, step) for step in steps]
