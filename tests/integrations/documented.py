"""What the pages of ``docs/ci`` show: their blocks, ready to be used as files, and their tables."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "ci"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `([\w-]+)` \| (?:`([^`]*)`)? ?\| (.*) \|$", re.MULTILINE)


def blocks(page: str, language: str) -> list[str]:
    """The blocks of a page in that language, in their order."""
    text = (PAGES / page).read_text("utf-8")
    return [body for found, body in _BLOCK.findall(text) if found == language]


def documented_inputs(page: str) -> dict[str, tuple[str, str]]:
    """Each input of the page's table: its default, and what it is."""
    text = (PAGES / page).read_text("utf-8").partition("## Inputs\n")[2].partition("\n## ")[0]
    return {name: (default, text) for name, default, text in _ROW.findall(text)}
