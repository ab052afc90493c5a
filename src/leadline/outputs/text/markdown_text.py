"""Names and prose within Markdown: neither markup nor mentions of the input work."""

from collections.abc import Iterable
from typing import IO

from leadline.outputs.text.plain import plain

LONGEST = 60_000
"""Characters of a comment: GitHub refuses those beyond 65,536."""


def write_blocks(blocks: Iterable[str], out: IO[str]) -> None:
    """As many whole ``blocks`` as a comment holds."""
    left = LONGEST
    for block in blocks:
        if len(block) + 100 > left:
            out.write("\n*The rest is left out: a comment has no more room.*\n")
            return
        left -= len(block)
        out.write(block)


def code(text: str) -> str:
    """``text`` as code within a line or a cell of a table."""
    shown = plain(text, 300).replace("`", "'").replace("|", "\\|")
    return f"`{shown or ' '}`"


def words(text: str) -> str:
    """Prose of ours that may repeat a name. A mention would work even behind a backslash."""
    shown = plain(text, 500).replace("@", "(at)")
    for mark in "\\`*_[]|#~!":
        shown = shown.replace(mark, f"\\{mark}")
    return shown.replace("<", "&lt;").replace(">", "&gt;")


def details(title: str, lines: list[str], most: int) -> str:
    """A list that is folded up, of ``most`` lines; empty without any."""
    if not lines:
        return ""
    more = f"\n- and {len(lines) - most:,} more" if len(lines) > most else ""
    body = "\n".join(f"- {line}" for line in lines[:most])
    return f"<details><summary>{title}: {len(lines):,}</summary>\n\n{body}{more}\n\n</details>\n\n"
