"""Functions of Rego that the engine lacks, or gives up in where the language's own engine continues.

Source: https://www.openpolicyagent.org/docs/latest/policy-reference/
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from itertools import islice
from typing import Any

_VERB = re.compile(r"%([-+# 0]*)(\d*)(?:\.(\d+))?([a-zA-Z%])")


def normalized_image(name: str) -> str:
    """``docker.io/library/nginx:latest`` for ``nginx``.

    Source: https://pkg.go.dev/github.com/distribution/reference#ParseNormalizedNamed
    """
    path, at, digest = name.partition("@")
    first, slash, rest = path.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = "docker.io", path
    if first in ("docker.io", "index.docker.io"):
        first, rest = "docker.io", rest if "/" in rest else f"library/{rest}"
    if not at and ":" not in rest.rpartition("/")[2]:
        rest = f"{rest}:latest"
    return f"{first}/{rest}{at}{digest}"


def matches(pattern: str, text: str) -> bool:
    """``regex.match`` for patterns that are too large for the engine, as the three below."""
    return re.search(pattern, text) is not None


def found(pattern: str, text: str, most: int) -> list[str]:
    return [match[0] for match in _first(pattern, text, most)]


def found_with_groups(pattern: str, text: str, most: int) -> list[list[str]]:
    return [[match[0], *(group or "" for group in match.groups())] for match in _first(pattern, text, most)]


def split(pattern: str, text: str) -> list[str]:
    """The texts between the matches, without those of groups."""
    ends = [0, *(place for match in re.finditer(pattern, text) for place in match.span()), len(text)]
    return [text[start:end] for start, end in zip(ends[::2], ends[1::2], strict=True)]


def _first(pattern: str, text: str, most: int) -> list[re.Match[str]]:
    """At most ``most`` matches; all of them where it is negative."""
    matches = re.finditer(pattern, text)
    return list(matches if most < 0 else islice(matches, int(most)))


def decoded(text: str) -> str:
    """``base64.decode``; what is not base64 has no text in it, and a rule continues."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return ""


STAND_INS: Mapping[str, tuple[tuple[str, int, Callable[..., Any]], ...]] = {
    "regex exceeded size limit": (
        ("regex.match", 2, matches),
        ("regex.find_n", 3, found),
        ("regex.find_all_string_submatch_n", 3, found_with_groups),
        ("regex.split", 2, split),
    ),
    "decode failed": (("base64.decode", 1, decoded),),
}
"""By words of the engine's complaint: name, number of arguments, and what to call instead."""


def sprintf(form: str, values: Any) -> str:
    """Go's formatting, for the verbs that the engine's own lacks. Source: https://pkg.go.dev/fmt."""
    left = list(values)

    def written(match: re.Match[str]) -> str:
        flags, width, precision, verb = match.groups()
        if verb == "%":
            return "%"
        if not left:
            return f"%!{verb}(MISSING)"
        text = _verb(left.pop(0), flags, precision, verb)
        if not width:
            return text
        if "-" in flags:
            return text.ljust(int(width))
        return text.zfill(int(width)) if "0" in flags and verb not in "sqv" else text.rjust(int(width))

    return _VERB.sub(written, form)


def _verb(value: Any, flags: str, precision: str | None, verb: str) -> str:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if verb in "doxXbc" and is_number and int(value) == value:
        sign = "+" if "+" in flags and value >= 0 else ""
        lead = {"o": "0", "x": "0x", "X": "0X"}.get(verb, "") if "#" in flags else ""
        return sign + lead + format(int(value), verb)
    if verb in "feEgG" and is_number:
        digits = f".{precision}" if precision is not None else ("" if verb in "gG" else ".6")
        return format(float(value), ("+" if "+" in flags else "") + digits + verb)
    if verb == "q":
        return json.dumps(value if isinstance(value, str) else _plain(value))
    if verb not in "svt":
        return f"%!{verb}({_plain(value)})"
    text = _plain(value)
    return text[: int(precision)] if precision is not None and verb == "s" else text


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(json.dumps(item, default=str) for item in value)) + "}"
    return json.dumps(value, default=str)
