"""Which keys of a chart's values may write a field, where the rendered text does not show it.

A template writes ``securityContext`` only ``with .Values.securityContext``: as long as that is empty, nothing of it is
rendered. So the templates' own lines are searched. What is found is a guess; its user renders again and compares.
"""

import re
from collections.abc import Iterator, Sequence

from leadline.kube.field_path import Step, Steps, format_path, parse_path
from leadline.sources.rendering.helm.template_trace import open_blocks

_ACTION = re.compile(r"\{\{-?\s*(.*?)\s*-?\}\}")
_VALUES = re.compile(r"(?<![\w)])\$?\.Values((?:\.[A-Za-z_]\w*)+)")
_BELOW_DOT = re.compile(r"(?:^|[\s(])((?:\.[A-Za-z_]\w*)+)")
_DOT = re.compile(r"(?:^|[\s(])\.(?=[\s)|]|$)")
_BUILT_IN = re.compile(r"\.(?:Values|Release|Chart|Capabilities|Template|Files)\b")
_INCLUDED = re.compile(r"^(?:include|template)\s+\"([^\"]+)\"")
_DEFINED = re.compile(r"^define\s+\"([^\"]+)\"")
_CONTROL = re.compile(r"^(?:if|with|range|else|end|define|block|/\*)")
"""Begins actions that write nothing themselves."""
_OUTER = ("spec", "metadata")
"""What is written below these has nothing to do with them."""
_BELOW = 4
"""Lines below a key that are looked at."""
_MOST = 8
_TEXT = 200_000
"""Characters of a template."""


def candidate_keys(texts: Sequence[str], steps: Steps, line: int = 1) -> tuple[str, ...]:
    """``a.b`` for each key of the values that may write the field at ``steps``; the likeliest first, at most 8.

    ``texts``: the template, then the chart's partials. ``line``: that of the template from which on it must be; what
    is before is guessed last.
    """
    texts = [text[:_TEXT] for text in texts]
    defined = {name: body for text in texts for name, body in _defined(text)}
    found: dict[str, None] = {}
    for depth in range(len(steps), 0, -1):
        step = steps[depth - 1]
        if step in _OUTER:
            break
        if isinstance(step, int):
            continue
        for number, text in enumerate(texts):
            first = line if number == 0 else 1
            for key in _keys_of(text, step, first, defined):
                found[format_path((*parse_path(key), *steps[depth:]))] = None
    return tuple(found)[:_MOST]


def _keys_of(text: str, step: Step, first: int, defined: dict[str, str]) -> Iterator[str]:
    """The values that are written right below, or behind, each line ``step:``."""
    rows = text.split("\n")
    key_line = re.compile(rf"^\s*(?:- )*[\"']?{re.escape(str(step))}[\"']?:(.*)$")
    places = [i for i, row in enumerate(rows) if key_line.match(row)]
    for i in sorted(places, key=lambda i: (i + 1 < first, i)):
        yield from _written_at(text, rows, i, defined)


def _written_at(text: str, rows: list[str], i: int, defined: dict[str, str]) -> Iterator[str]:
    written = [(i, rows[i].partition(":")[2])]
    for k in range(i + 1, min(i + 1 + _BELOW, len(rows))):
        if not rows[k].lstrip().startswith("{{"):
            break
        written.append((k, rows[k]))
    for k, row in written:
        for action in _ACTION.findall(row):
            if included := _INCLUDED.match(action):
                yield from _in_partial(defined.get(included[1], ""))
            if not _CONTROL.match(action):
                yield from _named(action, text, k + 1)


def _named(action: str, text: str, line: int) -> Iterator[str]:
    """The values that an action names, directly or through the block that it is in."""
    yield from (found[1][1:] for found in _VALUES.finditer(action))
    below = [
        found[1].removeprefix(".") for found in _BELOW_DOT.finditer(action) if not _BUILT_IN.match(found[1])
    ]
    if below or _DOT.search(action):
        base = _base(text, line)
        if base:
            yield from (f"{base}.{rest}" for rest in below) if below else iter((base,))


def _base(text: str, line: int) -> str:
    """The key that the dot represents; empty where it is something else."""
    for word, argument in open_blocks(text, line):
        if word == "with":
            found = _VALUES.fullmatch(argument)
            return found[1][1:] if found else ""
        if word in ("range", "define", "block"):
            return ""
    return ""


def _in_partial(body: str) -> Iterator[str]:
    for number, row in enumerate(body.split("\n"), 1):
        for action in _ACTION.findall(row):
            if action.startswith("toYaml"):
                yield from _named(action, body, number)


def _defined(text: str) -> Iterator[tuple[str, str]]:
    """Name and text of each partial."""
    starts = [(m.start(), m.end(), d[1]) for m in _ACTION.finditer(text) if (d := _DEFINED.match(m[1]))]
    for n, (_, end, name) in enumerate(starts):
        yield name, text[end : starts[n + 1][0] if n + 1 < len(starts) else len(text)]
