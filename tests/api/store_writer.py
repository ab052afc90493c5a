"""Writes to a local store until it is killed; says on stdout what it was told is written."""

import asyncio
import sys
from pathlib import Path

from leadline.api.carriers.local import LocalStore
from leadline.api.protocol import Content, Put
from leadline.api.selection import Key


async def main(path: Path, run: str) -> None:
    store = LocalStore(path)

    async def write(worker: int) -> None:
        number = 0
        while True:
            name = f"{run}-{worker}-{number}"
            content = Content(b'{"labels":{}}', b"[1]", b'{"spec":{"text":"%s"}}' % (name * 50).encode())
            entry = await store.put(Put(Key("workloadconfigurationscans", "shop", name), content))
            sys.stdout.write(f"{name} {entry.revision}\n")
            sys.stdout.flush()
            number += 1

    await asyncio.gather(*(write(worker) for worker in range(4)))


asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
