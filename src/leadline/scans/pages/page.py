"""What a page is made of. All texts are safe to show; what is a name from a cluster went through ``safe``."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from msgspec import Struct

from leadline.model.risk import AttackStep, WorkloadRisk
from leadline.outputs.text.plain import count, plain
from leadline.scans.pages.world import World

PAGE_ROWS = 50
MOST_ROWS = 1_000
"""That one answer holds; a CSV is sent in pieces of so many."""
_LONGEST = 4096
_PLURALS = {
    "edit or decision": "edits and decisions",
    "entry": "entries",
    "process": "processes",
    "vulnerability": "vulnerabilities",
}
"""Of units that take more than an s."""
_MOST_VALUES = 50
"""Of one parameter of an address."""


def safe(text: str) -> str:
    """``text`` without control characters and marks that turn it around."""
    return plain(text, _LONGEST)


class Link(Struct, frozen=True):
    """Another page, by its name and its query."""

    page: str
    query: tuple[tuple[str, str], ...] = ()


def link(page: str, **query: str) -> Link:
    return Link(page, tuple(query.items()))


class Cell(Struct, frozen=True, omit_defaults=True):
    text: str
    link: Link | None = None
    note: str = ""
    """A second line."""
    copies: str = ""
    """A command that a button copies."""


class Column(Struct, frozen=True):
    title: str
    looks: str = ""
    """``severity``, ``number``, ``code``, ``name`` (may break anywhere), ``bar`` (per cent), ``date``; empty for plain text."""
    note: str = ""
    """What the second lines are, as a column of its own in a CSV; empty where they are left out there."""


class Table(Struct, frozen=True, tag="table"):
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    why_empty: str
    """What is said in place of no rows: absence is not health."""
    total: int | None = None
    """Of all rows, where ``rows`` are a part of them; ``None`` where they are all."""
    unit: str = ""
    """What a row is, in the singular."""
    pages: tuple[int, int] | None = None
    """Which of how many; ``None`` where all are on one."""
    more: Link | None = None
    lead: str = ""

    @property
    def counted(self) -> str:
        total = len(self.rows) if self.total is None else self.total
        unit = self.unit or "row"
        return count(total, unit, _PLURALS.get(unit, ""))


class Counts(Struct, frozen=True, tag="counts"):
    """A few large numbers, each with its unit."""

    title: str
    cells: tuple[tuple[Cell, str], ...]
    """Number and looks: a severity, ``good`` or empty; the note says what is counted."""
    lead: str = ""


class Facts(Struct, frozen=True, tag="facts"):
    """Names and values."""

    title: str
    rows: tuple[tuple[str, Cell], ...]
    why_empty: str = ""


class First(Struct, frozen=True, tag="first"):
    """An ordered list of things to do: each with a score or a number, and a sentence."""

    title: str
    rows: tuple[tuple[Cell, str], ...]
    """The thing, its note being the sentence; and the number beside it."""
    why_empty: str
    more: Link | None = None


class Words(Struct, frozen=True, tag="words"):
    title: str
    paragraphs: tuple[str, ...]
    looks: str = ""
    """``unseen`` for what was not seen, ``code`` for lines of code; empty for text."""
    more: Link | None = None


class Lines(Struct, frozen=True, tag="lines"):
    """Lines of a file or of an object to apply."""

    title: str
    lines: tuple[str, ...]
    first: int = 0
    """Number of the first line; 0 for none."""
    marked: tuple[int, ...] = ()
    """Positions of those that matter."""
    lead: str = ""
    is_copied: bool = False
    """Whether a button copies them."""


class Path(Struct, frozen=True, tag="path"):
    """The way of an attacker to a workload: a picture, and the same in words."""

    title: str
    name: str
    sentence: str
    steps: tuple[AttackStep, ...]
    why_empty: str = ""


_WAY_ELSEWHERE = "A provider holds the score and its reason; the pages of the cluster itself show each step."


def way(title: str, name: str, risk: WorkloadRisk) -> Path:
    steps = (AttackStep(one.kind, safe(one.text), details=tuple(map(safe, one.details))) for one in risk.path)
    why = "" if risk.path else f"{safe(risk.sentence)}. {_WAY_ELSEWHERE}"
    return Path(title, name, safe(risk.sentence), tuple(steps), why)


class Neighbours(Struct, frozen=True, tag="neighbours"):
    """Who connects to one workload, and to whom it connects: each with its ports."""

    title: str
    name: str
    comes_in: tuple[tuple[str, str], ...]
    goes_out: tuple[tuple[str, str], ...]


class Trend(Struct, frozen=True, tag="trend"):
    """A number over days."""

    title: str
    days: tuple[tuple[str, int | None], ...]
    """``None`` where no one looked."""
    unit: str
    sentence: str
    why_empty: str = ""


class Facet(Struct, frozen=True):
    name: str
    """Of the parameter."""
    title: str
    values: tuple[tuple[str, int, bool], ...]
    """Value, how many rows have it, and whether it is chosen."""


class Filter(Struct, frozen=True, tag="filter"):
    """What narrows the table after it; its choice is the address of the page."""

    facets: tuple[Facet, ...]
    words: str = ""
    hidden: tuple[tuple[str, str], ...] = ()
    """Parameters that are kept."""
    looks_for: str = ""
    """What the words are searched in."""
    moments: tuple[tuple[str, str, str], ...] = ()
    """Parameters that are moments, in UTC: name, title and value, ``2027-01-31T09:00``."""


class Choices(Struct, frozen=True, tag="choices"):
    """One of several views."""

    title: str
    rows: tuple[tuple[str, Link, bool], ...]
    """What it is called, where it leads, and whether it is this one."""


Section = Choices | Table | Counts | Facts | First | Words | Lines | Path | Neighbours | Trend | Filter


class Page(Struct, frozen=True, omit_defaults=True):
    name: str
    title: str
    sections: tuple[Section, ...]
    lead: str = ""
    """One sentence below the title."""
    severity: str = ""
    """Of what the page is about."""
    crumbs: tuple[Cell, ...] = ()
    command: str = ""
    """What shows the same in a terminal."""
    query: tuple[tuple[str, str], ...] = ()
    """What was asked, as far as it was understood."""

    @property
    def room(self) -> str:
        """The page of the menu that leads to this one; empty for none."""
        first = self.crumbs[0].link if self.crumbs else None
        return first.page if first else ""

    @property
    def main_table(self) -> Table | None:
        """What a CSV holds."""
        return next((one for one in self.sections if isinstance(one, Table)), None)

    @property
    def parts(self) -> int:
        """How many pages of rows there are."""
        table = self.main_table
        return table.pages[1] if table and table.pages else 1


class Ask(Struct, frozen=True):
    """The query of an address, bounded."""

    query: Mapping[str, Sequence[str]] = {}
    rows: int = PAGE_ROWS

    def one(self, name: str) -> str:
        values = self.query.get(name) or ("",)
        return values[0][:_LONGEST]

    def several(self, name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(value[:_LONGEST] for value in self.query.get(name, ())[:_MOST_VALUES]))

    @property
    def page(self) -> int:
        """Counted from 1."""
        text = self.one("page")
        return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 7 else 1

    def table(
        self,
        title: str,
        columns: tuple[Column, ...],
        rows: Sequence[tuple[Cell, ...]],
        why_empty: str,
        unit: str,
    ) -> Table:
        """Those of ``rows`` that are on the page that is asked for."""
        first, pages = self.span(len(rows))
        shown = tuple(rows[first : first + self.rows])
        return Table(title, columns, shown, why_empty, len(rows), unit, pages)

    def span(self, total: int) -> tuple[int, tuple[int, int] | None]:
        """The first of ``total`` rows that is shown, and which of how many pages that is."""
        pages = max(1, -(-total // self.rows))
        page = min(self.page, pages)
        return (page - 1) * self.rows, (page, pages) if pages > 1 else None


Build = Callable[[World, Ask], Awaitable[Page]]
"""Raises: ``LookupError`` for what is not there, or may not be seen; the text says what."""


_MOST_BUILT = 200


async def built(kind: "PageKind", world: World, ask: "Ask") -> Page:
    """The page, worked out once for each question while nothing changes. Raises: ``LookupError``."""
    key = (kind.name, tuple((name, tuple(values)) for name, values in ask.query.items()), ask.rows)
    page: Page | None = world.built.get(key)
    if page is None:
        page = world.built[key] = await kind.build(world, ask)
        if len(world.built) > _MOST_BUILT:
            world.built.popitem(last=False)
    return page


class PageKind(Struct, frozen=True):
    """One page of the site; ``PAGES`` in ``site.py`` lists them."""

    name: str
    title: str
    build: Build
    in_menu: bool = False
