"""Which files a scan leaves out, in the syntax of .gitignore (https://git-scm.com/docs/gitignore)."""

import re
from collections.abc import Iterable

from msgspec import Struct

_FOLDERS = "**"
_ANY_FOLDERS = "(?:[^/]+/)*"
_LONGEST_PATTERN = 1_000
_MOST_FOLDER_STARS = 3
"""``**`` in one pattern; each multiplies the ways in which a path may match."""


class Rule(Struct, frozen=True):
    pattern: re.Pattern[str]
    is_negated: bool
    is_folder_only: bool


class IgnoreRules(Struct, frozen=True):
    """Rules in the order of writing; the last that matches decides."""

    rules: tuple[Rule, ...] = ()

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Whether ``path``, relative with forward slashes, is left out. Parents are the caller's to ask first."""
        for rule in reversed(self.rules):
            if (is_folder or not rule.is_folder_only) and rule.pattern.match(path):
                return not rule.is_negated
        return False

    def ignores_file(self, path: str) -> bool:
        """Whether a file or any folder above it is left out."""
        parts = path.split("/")
        folders = ("/".join(parts[:i]) for i in range(1, len(parts)))
        return any(self.ignores(f, is_folder=True) for f in folders) or self.ignores(path, is_folder=False)


def ignore_rules(lines: Iterable[str]) -> IgnoreRules:
    """The rules that ``lines`` write down; blank lines, comments and broken patterns say nothing."""
    return IgnoreRules(tuple(rule for line in lines if (rule := _rule(line)) is not None))


def _rule(line: str) -> Rule | None:
    line = line.rstrip("\r\n")
    while line.endswith(" ") and not line.endswith("\\ "):
        line = line[:-1]
    if not line or line.startswith("#") or len(line) > _LONGEST_PATTERN:
        return None
    is_negated = line.startswith("!")
    line = line[1:] if is_negated else line
    is_folder_only = line.endswith("/")
    line = line.rstrip("/") if is_folder_only else line
    is_anchored = "/" in line
    line = line.lstrip("/")
    parts = [_FOLDERS if set(part) == {"*"} and len(part) > 1 else part for part in line.split("/")]
    if not line or parts.count(_FOLDERS) > _MOST_FOLDER_STARS:
        return None
    try:
        pattern = re.compile(("" if is_anchored else _ANY_FOLDERS) + _expression(parts) + r"\Z", re.DOTALL)
    except re.error:
        return None
    return Rule(pattern, is_negated, is_folder_only)


def _expression(parts: list[str]) -> str:
    written = ""
    for number, part in enumerate(parts):
        is_last = number == len(parts) - 1
        if part == _FOLDERS:
            written += ".+" if is_last else _ANY_FOLDERS
        else:
            written += _name_expression(part) + ("" if is_last else "/")
    return written


def _name_expression(part: str) -> str:
    """One name between slashes. The groups are atomic, so that no row of stars can make matching slow."""
    pieces = [""]
    at = 0
    while at < len(part):
        if part[at] == "*":
            if pieces[-1] or len(pieces) == 1:
                pieces.append("")
            at += 1
        elif part[at] == "?":
            pieces[-1] += "[^/]"
            at += 1
        elif part[at] == "[" and (close := part.find("]", at + 2)) > 0:
            inside = part[at + 1 : close].replace("\\", "\\\\").replace("[", "\\[")
            inside = "^" + inside[1:] if inside[0] in "!^" else inside
            pieces[-1] += f"(?!/)[{inside}]"
            at = close + 1
        else:
            at += part[at] == "\\" and at + 1 < len(part)
            pieces[-1] += re.escape(part[at])
            at += 1
    if len(pieces) == 1:
        return pieces[0]
    middle = "".join(f"(?>[^/]*?{piece})" for piece in pieces[1:-1])
    return f"{pieces[0]}{middle}[^/]*{pieces[-1]}"
