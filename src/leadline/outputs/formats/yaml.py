"""The JSON report as YAML, block by block, with keys in the order of the alphabet.

A report may hold millions of values, for which a general writer of YAML takes minutes.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from io import StringIO
from typing import IO, Any

import orjson

from leadline.model.report import PostureReport
from leadline.outputs.format_registry import Page, find_format, format
from leadline.outputs.text.json_text import json_text

_SAFE = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*\Z")
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
"""What some reader of YAML takes for something else than text, whatever its case."""
_REFUSED = re.compile("[\ufeff\ufffe\uffff]")
"""What readers of YAML do not take as it is."""


@format("yaml", suffix=".yaml")
def yaml(report: PostureReport, out: IO[str], page: Page) -> None:
    written = StringIO()
    find_format("json", PostureReport).write(report, written, page)
    out.writelines(_lines(orjson.loads(written.getvalue()), ""))


def _lines(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _entry(f"{indent}{_text(key)}:", value[key], indent)
    else:
        for item in value:
            if isinstance(item, dict | list) and item:
                first, *rest = _lines(item, f"{indent}  ")
                yield f"{indent}- {first[len(indent) + 2 :]}"
                yield from rest
            else:
                yield f"{indent}- {_scalar(item)}\n"


def _entry(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict | list) and value:
        yield f"{head}\n"
        yield from _lines(value, f"{indent}  " if isinstance(value, dict) else indent)
    else:
        yield f"{head} {_scalar(value)}\n"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    text = json_text(value)
    # Version 1.1 of YAML knows no exponent without a point.
    return text.replace("e", ".0e") if isinstance(value, float) and "e" in text and "." not in text else text


@lru_cache(maxsize=4096)
def _text(value: str) -> str:
    """In quotes where any version of YAML could read it otherwise; texts of JSON are texts of YAML."""
    if _SAFE.match(value) and value.lower() not in _WORDS:
        return value
    return _REFUSED.sub(lambda mark: f"\\u{ord(mark.group()):04x}", json_text(value))
