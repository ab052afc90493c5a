"""A page as JSON and as CSV: the same value that its HTML is made of."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from msgspec.structs import replace

from leadline.scans.pages.page import MOST_ROWS, Ask, Page, PageKind, Table
from leadline.scans.pages.world import World

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet would work out."""


def page_json(page: Page, world: World) -> bytes:
    """The sections as they are, with what they are about and how old that is."""
    document: dict[str, Any] = {
        "page": page,
        "at": world.known.at,
        "reading": world.known.reading,
        "whyOld": world.why_old,
        "namespaces": {"seen": len(world.namespaces), "all": world.of_namespaces},
        "notRead": len(world.report.unread),
    }
    return msgspec.json.encode(document)


async def page_csv(kind: PageKind, world: World, ask: Ask) -> AsyncIterator[bytes]:
    """The first table of a page, whole, in pieces. Raises: ``LookupError`` before the first."""
    number, parts, header = 1, 1, False
    while number <= parts:
        page = await kind.build(
            world, replace(ask, query={**ask.query, "page": (str(number),)}, rows=MOST_ROWS)
        )
        table = page.main_table
        parts, number = page.parts, number + 1
        if table is None:
            yield b""
            return
        yield _written(table, header=not header)
        header = True


def _written(table: Table, *, header: bool) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    if header:
        writer.writerow([title for column in table.columns for title in (column.title, column.note) if title])
    for row in table.rows:
        writer.writerow(
            [
                _inert(text)
                for column, cell in zip(table.columns, row, strict=True)
                for text in ((cell.text, cell.note) if column.note else (cell.text,))
            ]
        )
    return out.getvalue().encode()


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
