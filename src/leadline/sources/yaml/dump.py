"""Values as YAML text that Kubernetes reads back as the same values."""

import json
import re
from typing import Any

from msgspec import Struct

from leadline.sources.yaml.scalars import plain

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+=-]*(?::[A-Za-z0-9_./@+=-]+)*\Z")
_SINGLE_QUOTABLE = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]*\Z")


class Layout(Struct, frozen=True):
    """The layout of a file."""

    step: int = 2
    """Blanks by which a mapping in a mapping is indented."""
    dash: int = 0
    """Blanks by which the dashes of a list are indented below its key."""
    newline: str = "\n"
    is_json: bool = False


def scalar_text(value: Any, quote: str = "") -> str:
    """A scalar, with the ``quote`` of the text that it replaces where that can be kept."""
    if not isinstance(value, str):
        return json.dumps(value)
    if quote == "'" and _SINGLE_QUOTABLE.match(value):
        return "'" + value.replace("'", "''") + "'"
    if quote != '"' and is_plain(value):
        return value
    return quoted(value)


def quoted(text: str) -> str:
    written = json.dumps(text, ensure_ascii=False)
    return re.sub("[\x7f-\x9f\u2028\u2029\ufeff]", lambda found: f"\\u{ord(found[0]):04x}", written)


def is_plain(text: str) -> bool:
    """Whether ``text`` needs no quotes; more is quoted than would have to be."""
    return bool(_PLAIN.match(text)) and plain(text) == text


def key_word(key: str, layout: Layout) -> str:
    return key if not layout.is_json and is_plain(key) else quoted(key)


def flow_text(value: Any, layout: Layout) -> str:
    """The value on one line."""
    if isinstance(value, dict):
        entries = (f"{key_word(k, layout)}: {flow_text(v, layout)}" for k, v in value.items())
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow_text(v, layout) for v in value) + "]"
    return json.dumps(value, ensure_ascii=False) if layout.is_json else scalar_text(value)


def entry_lines(key: str, value: Any, indent: int, layout: Layout) -> list[str]:
    """``key: value`` in block style, one string per line, indented by ``indent`` blanks."""
    return _with_head(" " * indent + key_word(key, layout) + ":", value, indent, layout)


def value_lines(value: Any, indent: int, layout: Layout) -> list[str]:
    """What follows the colon of a key at column ``indent``; the first line belongs behind the colon."""
    return _with_head("", value, indent, layout)


def item_lines(value: Any, indent: int, layout: Layout) -> list[str]:
    """``- value`` in block style, the dash at column ``indent``."""
    dash = " " * indent + "- "
    if isinstance(value, dict) and value:
        lines = [line for k, v in value.items() for line in entry_lines(k, v, indent + 2, layout)]
        return [dash + lines[0][indent + 2 :], *lines[1:]]
    return [dash + flow_text(value, layout)]


def _with_head(head: str, value: Any, indent: int, layout: Layout) -> list[str]:
    if isinstance(value, dict) and value:
        inner = (entry_lines(k, v, indent + layout.step, layout) for k, v in value.items())
        return [head, *(line for lines in inner for line in lines)]
    if isinstance(value, list) and value:
        items = (item_lines(v, indent + layout.dash, layout) for v in value)
        return [head, *(line for lines in items for line in lines)]
    return [f"{head} {flow_text(value, layout)}"]
