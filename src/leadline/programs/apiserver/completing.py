"""Gives objects that a command wrote straight into the file what only a server gives: an identity, and cells of tables."""

from collections.abc import Iterable

import msgspec
import orjson
from msgspec import Struct

from leadline.outputs.store.protocol import ConflictError, Paging, Put, Store
from leadline.outputs.store.selection import Selection
from leadline.programs.apiserver import wire
from leadline.programs.apiserver.kinds import Served


class _Identity(Struct):
    uid: str = ""


_identity_of = msgspec.json.Decoder(_Identity).decode


async def complete(store: Store, served: Iterable[Served]) -> int:
    """How many objects lacked them. Raises: ``StoreError``."""
    count = 0
    for one in served:
        token, is_first = "", True
        while token or is_first:
            page = await store.list(Selection(one.kind.plural, with_body=False), Paging(token))
            token, is_first = page.token, False
            for listed in page.entries:
                if _identity_of(listed.content.metadata).uid:
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
