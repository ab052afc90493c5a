"""One way to two engines: the same statements, with ``?`` for what is given, for SQLite and PostgreSQL.

Every statement runs for one tenant, which PostgreSQL holds to its rows; ``EVERYONE`` is the provider itself.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from string import ascii_lowercase, ascii_uppercase
from typing import Any, Protocol

Row = Sequence[Any]
EVERYONE = 0
MANY, FEW = 200, 20
"""Values of one ``IN``."""


class TakenError(Exception):
    """A row with this key is there already."""


class Writing(Protocol):
    """One transaction."""

    def run(self, text: str, *given: Any) -> list[Row]:
        """Raises: ``TakenError``, and what the engine raises."""
        ...

    def many(self, text: str, rows: Sequence[Sequence[Any]]) -> None:
        """``text`` for each of ``rows``, at the latest with the next ``run`` or at the end."""
        ...


class Database(Protocol):
    """Safe to use from several threads."""

    def read(self, tenant: int, text: str, *given: Any, by_first: bool = False) -> list[Row]:
        """``by_first``: they come by the first column of their order, so that a page is never made of all that fits."""
        ...

    def writing(self, tenant: int, *, is_lasting: bool = True) -> AbstractContextManager[Writing]:
        """``is_lasting``: the transaction survives a loss of power once it ends. Tables that a log can rebuild need not."""
        ...

    def add_tenant(self, tenant: int) -> None:
        """Makes room for its rows; nothing where there is."""
        ...

    def begin_month(self, month: str) -> None:
        """Makes room for what goes in ``2027-01``; nothing where there is."""
        ...

    def close(self) -> None: ...


Mark = tuple[int, bytes]
"""What a finding is known by, as its columns ``head`` and ``tail`` hold it: four bytes for an index; the other twelve, and its ordinal in three."""


def mark_of_finding(fingerprint: bytes, ordinal: int) -> Mark:
    return head_of(fingerprint), tail_of(fingerprint, ordinal)


def finding_of_mark(head: int, tail: bytes) -> tuple[str, int]:
    """Its fingerprint, hexadecimal, and its ordinal."""
    return f"{head & 0xFFFFFFFF:08x}{tail[:-_ORDINAL].hex()}", int.from_bytes(tail[-_ORDINAL:])


def head_of(fingerprint: bytes) -> int:
    return int.from_bytes(fingerprint[:_HEAD], signed=True)


def tail_of(fingerprint: bytes, ordinal: int) -> bytes:
    return fingerprint[_HEAD:] + ordinal.to_bytes(_ORDINAL)


_HEAD, _ORDINAL = 4, 3


def mark_of(*words: str) -> bytes:
    """What a row of these words is found by: 16 bytes."""
    return sha256("\0".join(words).encode("utf-8", "surrogatepass")).digest()[:16]


def searched_name(type: str, name: str) -> str:
    """What a package is looked up by: the last part of its name, in small letters as people type it.

    PyPI takes separators for the same (https://peps.python.org/pep-0503/#normalized-names). Only letters of ASCII are made small, as
    both engines do it.
    """
    short = name.rpartition("/")[2].translate(_SMALL)
    return _SEPARATORS.sub("-", short) if type == "pypi" else short


_SMALL = str.maketrans(ascii_uppercase, ascii_lowercase)
_SEPARATORS = re.compile(r"[-_.]+")


def among(write: Writing, text: str, first: Sequence[Any], values: Iterable[Any]) -> Iterator[Row]:
    """Rows of ``text``, where ``$among`` is what ``IN`` looks among, after what ``first`` gives."""
    left = list(values)
    for start in range(0, len(left), MANY):
        some = left[start : start + MANY]
        # One of two lengths, so that each statement is prepared twice at most.
        count = FEW if len(some) <= FEW else MANY
        some += [some[-1]] * (count - len(some))
        yield from write.run(text.replace("$among", ",".join("?" * count)), *first, *some)
