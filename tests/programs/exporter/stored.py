"""Results in a file, written as a command writes them."""

import asyncio
from pathlib import Path

from scanned import image, scan

from leadline.api.carriers.local import LocalStore
from leadline.api.protocol import Content, Put
from leadline.api.selection import Key
from leadline.scans.stored.image_results import RunningContainer
from leadline.scans.stored.store_images import store_image
from leadline.scans.stored.store_posture import StoreOptions, store_posture


def store(folder: Path, *manifests: str) -> Path:
    """``manifests`` are all that there is; one container runs an image with an exploited vulnerability."""
    file = folder / "results.db"

    async def written() -> None:
        opened = LocalStore(file)
        try:
            await store_posture(opened, scan(folder, *manifests), StoreOptions(is_full=True))
            containers = [RunningContainer("Deployment", "web", "shop", "main")]
            await store_image(opened, image("nginx", ("CVE-1", "critical"), exploited=("CVE-1",)), containers)
            scanned = b'{"spec":{"digest":"sha256:a"},"status":{"phase":"Done"}}'
            await opened.put(
                Put(Key("imagescans", "", "sha256-a"), Content(b'{"name":"sha256-a"}', body=scanned))
            )
        finally:
            await opened.close()

    asyncio.run(written())
    return file
