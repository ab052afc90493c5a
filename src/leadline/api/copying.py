"""Every object of one store written into another: how the store of a cluster is backed up and put back.

Over the API, with the rights of the one who asks: no file of a pod is touched, and it is the same with PostgreSQL behind it.
"""

import asyncio
from collections.abc import Iterable, Sequence

import orjson
from msgspec import Struct, structs

from leadline.api.kind import Kind
from leadline.api.protocol import Entry, NotServedError, Put, Store, pages_of
from leadline.api.selection import Selection
from leadline.errors import StoreError

AT_A_TIME = 50
_OF_ITS_STORE = ("uid", "resourceVersion", "generation", "managedFields", "selfLink")
"""A copy is another object: the server that has it gives it these. It completes what lacks a ``uid``."""


class Copied(Struct, frozen=True):
    objects: int
    refused: tuple[tuple[str, str], ...]
    """What could not be copied, as its name and the reason; kinds that the source does not serve are named likewise."""


async def copy_all(source: Store, target: Store, kinds: Iterable[Kind]) -> Copied:
    """What is there already by the same name is replaced. Raises: ``StoreError`` where the source fails."""
    count = 0
    refused: list[tuple[str, str]] = []
    stored = [kind for kind in kinds if not kind.is_computed]
    for kind in stored:
        try:
            async for entries in pages_of(source, Selection(kind.plural)):
                for start in range(0, len(entries), AT_A_TIME):
                    wrong = await _put(target, entries[start : start + AT_A_TIME])
                    count += len(entries[start : start + AT_A_TIME]) - len(wrong)
                    refused += wrong
        except NotServedError as error:
            refused.append((kind.plural, str(error)))
    if len(refused) >= len(stored) and not count:
        raise StoreError(refused[0][1])
    return Copied(count, tuple(refused))


async def _put(target: Store, entries: Sequence[Entry]) -> list[tuple[str, str]]:
    outcomes = await asyncio.gather(*(target.put(_anew(entry)) for entry in entries), return_exceptions=True)
    wrong = []
    for entry, outcome in zip(entries, outcomes, strict=True):
        if isinstance(outcome, StoreError):
            wrong.append((str(entry.key), str(outcome)))
        elif isinstance(outcome, BaseException):
            raise outcome
    return wrong


def _anew(entry: Entry) -> Put:
    metadata = orjson.loads(entry.content.metadata)
    kept = {name: value for name, value in metadata.items() if name not in _OF_ITS_STORE}
    return Put(entry.key, structs.replace(entry.content, metadata=orjson.dumps(kept)))
