"""A store in a file that another process has open, or none: read and watched, never written."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

from leadline.api.carriers import local_rows
from leadline.api.carriers.local_reading import LocalReading, failing
from leadline.api.carriers.local_schema import open_to_read
from leadline.api.protocol import Changes, FutureError, GoneError, Page, Paging
from leadline.api.selection import Selection
from leadline.errors import StoreError

LOOK_EVERY_S = 1.0


class LocalReader(LocalReading):
    """Opens ``path``, which must be there. Raises: ``StoreError``, also later, once another file has taken its place."""

    def __init__(self, path: Path, look_every_s: float = LOOK_EVERY_S) -> None:
        self._look_every_s = look_every_s
        with ExitStack() as opened, failing(path):
            super().__init__(path, open_to_read(path, opened))
            self._file = _file(path)
            self._resources = opened.pop_all()
        self._is_closed = False

    async def list(self, selection: Selection, paging: Paging) -> Page:
        self._look()
        page = await super().list(selection, paging)
        self._check_kept(page.revision)
        return page

    async def watch(self, selection: Selection, since: int) -> AsyncIterator[Changes]:
        """Looks every second, and yields each time: no events are a sign of life."""
        self._look()
        if since > self._revision:
            raise FutureError(since)
        while not self._is_closed:
            self._look()
            with failing(self.path):
                changes = await self._changes(selection, since, self._revision)
            self._check_kept(since)
            is_all = changes.revision >= self._revision
            since = changes.revision
            yield changes
            if is_all:
                await asyncio.sleep(self._look_every_s)

    async def close(self) -> None:
        self._is_closed = True
        self._resources.close()

    def _look(self) -> None:
        if _file(self.path) != self._file:
            raise StoreError(f"another file has taken the place of the store {self.path}")
        with failing(self.path):
            self._kept_from, self._revision = local_rows.state(self._reader)

    def _check_kept(self, revision: int) -> None:
        """After a read: the process that writes may have forgotten the past meanwhile."""
        self._look()
        if revision < self._kept_from:
            raise GoneError(revision)


def _file(path: Path) -> tuple[int, int]:
    """Which file it is, whatever its name. Raises: ``StoreError``."""
    try:
        found = path.stat()
    except OSError as error:
        raise StoreError(f"there is no store {path}: {(error.strerror or str(error)).lower()}") from error
    return found.st_dev, found.st_ino
