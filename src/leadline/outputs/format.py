"""All that a format file imports: a format is a pure function from a report to text."""

from collections.abc import Callable
from typing import IO, Any, Protocol

from msgspec import Struct

from leadline.model.finding import Finding, Place
from leadline.model.package import Sbom
from leadline.model.report import PostureReport
from leadline.model.resource import Resource

__all__ = ["Finding", "Format", "Page", "Place", "Places", "PostureReport", "Resource", "Sbom", "format"]


class Places(Protocol):
    """Where things stand in the files they came from; reads each file again, once, when first asked."""

    def find(self, resource: Resource, path: str) -> Place | None:
        """The place of ``path`` in ``resource``; its deepest parent that exists; ``None`` for objects without a file."""

    def lines(self, resource: Resource, first: int, last: int) -> list[str]:
        """Lines ``first`` to ``last`` (from 1, inclusive) of the file of ``resource``, without their ends."""


class Page(Struct, frozen=True):
    """How the reader wants it shown."""

    places: Places
    width: int = 100
    """Columns of the terminal."""
    colour: bool = False
    verbose: bool = False
    command: str = "leadline"
    """The command line to repeat in advice."""
    verdict: str = ""
    """The gates' last line; empty without a gate."""


class Format(Struct, frozen=True):
    """One way of writing one kind of report. Made by ``@format``."""

    name: str
    suffix: str
    report: type
    """``PostureReport`` or ``Sbom``."""
    write: Callable[[Any, IO[str], Page], None]
    is_binary: bool = False


Write = Callable[[Any, IO[str], Page], None]


def format(name: str, *, suffix: str, report: type = PostureReport) -> Callable[[Write], Format]:
    """Makes a ``Format`` of ``write(report, out, page)``."""

    def make(write: Write) -> Format:
        return Format(name, suffix, report, write)

    return make
