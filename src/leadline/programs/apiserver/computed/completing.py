"""Gives objects that a command wrote straight into the file what only a server gives: an identity, and cells of tables."""

import logging
from collections.abc import Iterable

import msgspec
import orjson
from msgspec import Struct

from leadline.api.protocol import ConflictError, Entry, Put, Store, pages_of
from leadline.api.selection import Selection
from leadline.programs.apiserver.encoding import wire
from leadline.programs.apiserver.encoding.forms import Served

log = logging.getLogger(__name__)


class _Identity(Struct):
    uid: str = ""


_identity_of = msgspec.json.Decoder(_Identity).decode


def _lacks_identity(entry: Entry) -> bool:
    """Not so where it cannot be read: a damaged object is left as it is."""
    try:
        return not _identity_of(entry.content.metadata).uid
    except (msgspec.DecodeError, UnicodeDecodeError):
        log.error("%s: its metadata is damaged", entry.key)
        return False


async def complete(store: Store, served: Iterable[Served]) -> int:
    """How many objects lacked them. Raises: ``StoreError``."""
    count = 0
    for one in served:
        async for entries in pages_of(store, Selection(one.kind.plural, with_body=False)):
            for listed in entries:
                if not _lacks_identity(listed):
                    continue
                entry = await store.get(listed.key)
                if entry is None:
                    continue
                whole = wire.object_of(one, entry)
                metadata = {"labels": {}, "annotations": {}, **orjson.loads(entry.content.metadata)}
                wire.make_new(metadata)
                content = wire.content_of(one, {**whole, "metadata": metadata})
                try:
                    await store.put(Put(listed.key, content, entry.revision))
                except ConflictError:
                    # Another replica was faster.
                    continue
                count += 1
    return count
