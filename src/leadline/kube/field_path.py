"""Paths into an object, as controls write them: ``spec.containers[0].image``, ``metadata.labels[app.kubernetes.io/name]``.

A bracket holds the index of a list, or a key of a mapping that a dotted path could not carry.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from typing import Any

Step = str | int
Steps = tuple[Step, ...]
_PLAIN = re.compile(r"[^.\[\]]+(?:\.[^.\[\]]+|\[[0-9]{1,9}\])*")
"""Most paths: names and positions, without a key in brackets."""


@lru_cache(maxsize=8192)
def parse_path(path: str) -> Steps:
    """The steps of ``path``, keys as ``str`` and indexes as ``int``; the empty path has none.

    A bracket with digits is an index; every other bracket is a key and ends at the last ``]``
    before the next step, so keys may hold dots and brackets. A dot at the end, as prefixes have it, says nothing.

    Raises: ``ValueError`` for a bracket that is never closed or an empty step.
    """
    if _PLAIN.fullmatch(path):
        return tuple(
            int(part[1:-1]) if part[0] == "[" else part for part in path.replace("[", ".[").split(".")
        )
    steps: list[Step] = []
    at, end = 0, len(path)
    while at < end:
        if path[at] == "[":
            # The first that is followed by a step or the end.
            close = path.find("]", at)
            while close >= 0 and close + 1 < len(path) and path[close + 1] not in ".[":
                close = path.find("]", close + 1)
            if close < 0:
                raise ValueError(f"bracket without end in {path!r}")
            inside = path[at + 1 : close]
            steps.append(int(inside) if inside.isdecimal() and inside.isascii() else inside)
            at = close + 1
            at += path[at : at + 1] == "."
            continue
        stop = min((i for i in (path.find(".", at), path.find("[", at)) if i >= 0), default=end)
        if stop == at:
            raise ValueError(f"empty step in {path!r}")
        steps.append(path[at:stop])
        at = stop + (path[stop : stop + 1] == ".")
    return tuple(steps)


def format_path(steps: Iterable[Step]) -> str:
    """The written form of ``steps``; the inverse of ``parse_path`` but for keys made of digits alone."""
    written = ""
    for step in steps:
        if isinstance(step, int) or not step or any(c in ".[]" for c in step):
            written += f"[{step}]"
        else:
            written += f".{step}" if written else step
    return written


def value_at(body: Any, path: str | Steps) -> Any:
    """What is at ``path``; ``None`` where nothing is."""
    for step in parse_path(path) if isinstance(path, str) else path:
        body = child_of(body, step)
        if body is None:
            return None
    return body


def has_path(body: Any, path: str | Steps) -> bool:
    """Whether something is at ``path``, be it null."""
    steps = parse_path(path) if isinstance(path, str) else path
    if not steps:
        return True
    parent = value_at(body, steps[:-1])
    if isinstance(parent, dict):
        return str(steps[-1]) in parent
    return isinstance(parent, list) and _index(steps[-1], len(parent)) is not None


def child_of(parent: Any, step: Step) -> Any:
    """One step down. A number also finds a key of digits, since paths write both alike."""
    if isinstance(parent, dict):
        return parent.get(step if isinstance(step, str) else str(step))
    if isinstance(parent, list):
        index = _index(step, len(parent))
        return None if index is None else parent[index]
    return None


def with_value(body: Any, path: str | Steps, value: Any) -> Any:
    """A copy of ``body`` with ``value`` at ``path``; only what lies along the path is copied.

    Absent or null parents become mappings (lists before an index); an index may be one past the end of a list.

    Raises: ``ValueError`` where the path runs through a scalar or past the end of a list.
    """
    steps = parse_path(path) if isinstance(path, str) else path
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if body is None:
        body = [] if isinstance(step, int) else {}
    if isinstance(body, dict):
        key = str(step)
        return {**body, key: with_value(body.get(key), rest, value)}
    if isinstance(body, list) and isinstance(step, int):
        if step == len(body):
            return [*body, with_value(None, rest, value)]
        if step < len(body):
            return [*body[:step], with_value(body[step], rest, value), *body[step + 1 :]]
    raise ValueError(f"nothing can be written at step {step!r}")


def without(body: Any, path: str | Steps) -> Any:
    """A copy of ``body`` without what is at ``path``; ``body`` itself where nothing is.

    Only what lies along the path is copied. Emptied parents stay, so that an edit says no more than it was asked.
    """
    steps = parse_path(path) if isinstance(path, str) else path
    if not steps or not has_path(body, steps):
        return body
    step, rest = steps[0], steps[1:]
    if isinstance(body, dict):
        key = str(step)
        if rest:
            return {**body, key: without(body[key], rest)}
        return {k: v for k, v in body.items() if k != key}
    index = int(step)
    kept = [without(body[index], rest)] if rest else []
    return [*body[:index], *kept, *body[index + 1 :]]


def put(body: Any, steps: Steps, value: Any) -> None:
    """Writes ``value`` into ``body``, with what is missing on the way."""
    for step, following in pairwise(steps):
        empty: Any = [] if isinstance(following, int) else {}
        if isinstance(step, int):
            body = body[step]
        else:
            if not body.get(step):
                body[step] = empty
            body = body[step]
    last = steps[-1]
    if isinstance(last, int) and last == len(body):
        body.append(value)
    else:
        body[last] = value


def _index(step: Step, length: int) -> int | None:
    return step if isinstance(step, int) and 0 <= step < length else None


_NAME_OF_ENTRY = re.compile(
    r"(?:^|\.)(?:env|volumes|containers|initContainers|imagePullSecrets)\[\d+\](?P<key>\.name)$"
)


def entry_of(path: str) -> str:
    """The path to delete for ``path``: for the name of a list entry that of the entry, which is invalid without a name.

    Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy
    """
    match = _NAME_OF_ENTRY.search(path)
    return path[: match.start("key")] if match else path
