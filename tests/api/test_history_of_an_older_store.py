"""A store that an earlier version wrote, as a file and in PostgreSQL: its findings keep the day they were first seen.

``goldens/results-of-an-older-version.*`` were written by commit a000f40c: a full scan of one Deployment and one Pod.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs
from store_carriers import SERVER

from leadline.api.carriers import local_care
from leadline.api.carriers.local import LocalStore
from leadline.api.carriers.postgres import open_postgres
from leadline.api.protocol import Store
from leadline.errors import StoreError
from leadline.model.history import Life
from leadline.model.report import PostureReport, Target
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan
from leadline.scans.stored.history.reading import asked_of, history
from leadline.scans.stored.store_posture import StoreOptions, store_posture

GOLDENS = Path(__file__).parent / "goldens"
THEN = "2026-11-28"
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "nginx:1.27", securityContext: {privileged: false}}]}
"""


@pytest.fixture
def changed(tmp_path: Path) -> PostureReport:
    """The Deployment is privileged no more, and the Pod is gone."""
    (tmp_path / "web.yaml").write_text(WEB)
    found = posture_scan([str(tmp_path / "web.yaml")], PostureOptions())
    return structs.replace(found, target=Target("cluster", "now", server_version="v1.36.0"))


async def lives(store: Store) -> dict[tuple[str, str], Life]:
    found = await history(store, asked_of("", "1y", datetime.now(UTC)))
    return {(one.object, one.id): one for one in found.lives}


async def goes_on(store: Store, changed: PostureReport) -> None:
    first = await lives(store)
    privileged = ("shop/Deployment/web", "C-0057")
    assert privileged in first
    assert ("shop/Pod/old", "C-0041") in first
    assert {one.first_seen[:10] for one in first.values()} == {THEN}
    await store_posture(store, changed, StoreOptions(is_full=True))
    after = await lives(store)
    assert after.keys() >= first.keys()
    assert after[privileged].state == "passed"
    assert after["shop/Pod/old", "C-0041"].state == "gone"
    assert {after[key].first_seen[:10] for key in first} == {THEN}
    stays = ("shop/Deployment/web", "C-0013")
    assert after[stays].is_there
    assert not after[stays].came_back


def test_the_history_of_a_file_goes_on_and_survives_a_restored_backup(tmp_path: Path, changed: PostureReport):
    file = tmp_path / "results.db"
    shutil.copy(GOLDENS / "results-of-an-older-version.db", file)

    async def opened(path: Path, scenario: Callable[[Store], Awaitable[None]]) -> None:
        store = LocalStore(path)
        try:
            await scenario(store)
        finally:
            await store.close()

    asyncio.run(opened(file, lambda store: goes_on(store, changed)))
    local_care.back_up(file, tmp_path / "backup.db")
    local_care.restore(tmp_path / "backup.db", tmp_path / "restored.db")
    found: list[dict[tuple[str, str], Life]] = []

    async def read(store: Store) -> None:
        found.append(await lives(store))

    asyncio.run(opened(file, read))
    asyncio.run(opened(tmp_path / "restored.db", read))
    assert found[0] == found[1]
    assert found[0]["shop/Pod/old", "C-0041"].state == "gone"


@pytest.mark.usefixtures("postgres_server")
def test_the_history_in_postgresql_goes_on(changed: PostureReport):
    async def scenario() -> None:
        store = await open_postgres(SERVER.restored(GOLDENS / "results-of-an-older-version.sql"))
        try:
            await goes_on(store, changed)
        finally:
            await store.close()

    asyncio.run(scenario())


def test_a_file_of_a_later_version_is_refused_in_one_line(tmp_path: Path):
    file = tmp_path / "results.db"
    shutil.copy(GOLDENS / "results-of-an-older-version.db", file)
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(StoreError, match=r"was written by a later version; use that version$"):
        LocalStore(file)


@pytest.mark.usefixtures("postgres_server")
def test_a_database_of_a_later_version_is_refused_in_one_line():
    async def scenario() -> None:
        address = SERVER.restored(GOLDENS / "results-of-an-older-version.sql")
        SERVER.execute(address, "INSERT INTO migrations VALUES (99)")
        with pytest.raises(StoreError, match=r"was written by a later version; use that version$"):
            await open_postgres(address)

    asyncio.run(scenario())
