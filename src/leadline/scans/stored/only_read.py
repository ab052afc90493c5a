"""A store that is read and never written, whatever it is kept in."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from leadline.api.protocol import Changes, Entry, Page, Paging, Put
from leadline.api.selection import Key, Selection
from leadline.errors import SourceError, StoreError

KUBE = "kube"


class _Readable(Protocol):
    @property
    def revision(self) -> int: ...

    async def get(self, key: Key) -> Entry | None: ...

    async def list(self, selection: Selection, paging: Paging) -> Page: ...

    async def close(self) -> None: ...


class OnlyRead:
    """``get`` and ``list`` of a store; everything else that a store does is refused. Raises: ``StoreError``."""

    def __init__(self, store: _Readable) -> None:
        self._store = store

    @property
    def revision(self) -> int:
        return self._store.revision

    async def get(self, key: Key) -> Entry | None:
        return await self._store.get(key)

    async def list(self, selection: Selection, paging: Paging) -> Page:
        return await self._store.list(selection, paging)

    async def put(self, put: Put) -> Entry:
        raise StoreError(_REFUSED)

    async def put_all(self, puts: Sequence[Put]) -> tuple[Entry, ...]:
        raise StoreError(_REFUSED)

    async def delete(self, key: Key, expected: int | None = None) -> Entry:
        raise StoreError(_REFUSED)

    def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        raise StoreError(_REFUSED)

    async def close(self) -> None:
        await self._store.close()


_REFUSED = "this store is opened to be read"


@asynccontextmanager
async def only_read(where: str, kubeconfig: str, environ: Mapping[str, str]) -> AsyncIterator[OnlyRead]:
    """The store in a file, or for ``kube`` the one that a cluster serves.

    Raises: ``SourceError``, ``StoreError``, ``ClusterError``.
    """
    readable: _Readable
    if where == KUBE:
        from leadline.api.carriers.remote import RemoteStore
        from leadline.sources.cluster.connection import async_client

        readable = RemoteStore(async_client("", kubeconfig, environ=environ))
    else:
        from leadline.api.carriers.local_reader import LocalReader

        if not Path(where).is_file():
            raise SourceError(f"no such store: {where}", hint="a scan that stores its results makes one")
        readable = LocalReader(Path(where))
    try:
        yield OnlyRead(readable)
    finally:
        await readable.close()
