"""Which files a scan leaves out, in the syntax of .gitignore (https://git-scm.com/docs/gitignore)."""

import re
from collections.abc import Iterable

from msgspec import Struct

_LONGEST_PATTERN = 1_000
_MOST_STARS = 20
"""Wildcards in one pattern; many more could make matching take very long."""


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
    stars = re.sub(r"\*{3,}", "**", line)
    if not line or stars.count("*") > _MOST_STARS:
        return None
    try:
        pattern = re.compile(("" if is_anchored else "(?:.*/)?") + _expression(stars) + r"\Z", re.DOTALL)
    except re.error:
        return None
    return Rule(pattern, is_negated, is_folder_only)


def _expression(glob: str) -> str:
    written, at = "", 0
    while at < len(glob):
        if glob.startswith("**/", at) and (at == 0 or glob[at - 1] == "/"):
            written, at = written + "(?:.*/)?", at + 3
        elif glob.startswith("**", at) and at + 2 == len(glob) and (at == 0 or glob[at - 1] == "/"):
            written, at = written + ".+", at + 2
        elif glob[at] == "*":
            written, at = written + "[^/]*", at + 1
        elif glob[at] == "?":
            written, at = written + "[^/]", at + 1
        elif glob[at] == "[" and (close := glob.find("]", at + 2)) > 0:
            inside = glob[at + 1 : close].replace("\\", "\\\\").replace("[", "\\[")
            inside = "^" + inside[1:] if inside[0] in "!^" else inside
            written, at = written + f"(?!/)[{inside}]", close + 1
        else:
            at += glob[at] == "\\" and at + 1 < len(glob)
            written, at = written + re.escape(glob[at]), at + 1
    return written
