"""What pages say of a store that holds what cannot be read, or that does not answer."""

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from asgi_browser import ask
from msgspec.structs import replace

from leadline.api.carriers.local import LocalStore
from leadline.api.carriers.local_reading import LocalReader
from leadline.api.posture_results import SCANS
from leadline.api.protocol import Paging, Put, Readable
from leadline.api.selection import Key, Selection
from leadline.errors import StoreError
from leadline.programs.cli.main import main
from leadline.programs.ui.app import App
from leadline.programs.ui.keeping import Keeper, Shown
from leadline.scans.options import PostureOptions
from leadline.scans.pages.reading import nothing_yet, read_folder
from leadline.scans.pages.stored import READERS
from leadline.scans.stored.store_posture import StoreOptions, store_posture

SHOP = Path(__file__).parents[3] / "examples" / "shop"
MALFORMED = (b"x{", b"[1]", b"null", b'{"spec":[1]}')
WITHIN_S = 60


class Everyone:
    async def seen(self, asked: object, namespaces: frozenset[str]) -> None:
        return None


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "results.db"
    known = read_folder([str(SHOP)], PostureOptions())

    async def write() -> None:
        store = LocalStore(path)
        await store_posture(store, known.report, StoreOptions(is_full=True))
        await store.close()

    asyncio.run(write())
    return path


async def _told(opened: Callable[[], Readable], is_told: Callable[[Shown], bool]) -> dict[str, str]:
    """Pages of a store by name, once they tell what is awaited."""
    shown = Shown(nothing_yet("a store", "leadline scan"))
    keeping = asyncio.ensure_future(Keeper(shown, opened).run())
    app = App(shown, Everyone())
    try:
        async with asyncio.timeout(WITHIN_S):
            while not is_told(shown):
                assert not keeping.done()
                await asyncio.sleep(0.02)
        names = ("health.json", "findings.json", "overview")
        return {name: (await ask(app, f"/pages/{name}")).text for name in names}
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping


def test_a_stored_object_that_cannot_be_read_is_named_and_keeps_no_other_from_being_shown(
    stored: Path, tmp_path: Path
) -> None:
    path = tmp_path / "results.db"
    path.write_bytes(stored.read_bytes())
    bodies = {
        Key(plural, "shop", f"broken-{number}"): body
        for plural in READERS
        for number, body in enumerate(MALFORMED)
    }

    async def told() -> dict[str, str]:
        store = LocalStore(path)
        like = (await store.list(Selection(SCANS), Paging("", 1))).entries[0].content
        await store.put_all([Put(key, replace(like, body=body)) for key, body in bodies.items()])
        await store.close()
        return await _told(lambda: LocalReader(path), lambda shown: not shown.known.reading)

    pages = asyncio.run(told())
    whole = read_folder([str(SHOP)], PostureOptions()).report
    assert json.loads(pages["findings.json"])["page"]["lead"].startswith(
        f"{whole.numbers.findings:,} findings of {whole.objects_judged:,} objects"
    )
    health = json.loads(pages["health.json"])
    unseen = " ".join(health["page"]["sections"][0]["paragraphs"])
    assert [str(key) for key in bodies if str(key) not in unseen] == []
    assert health["notRead"] >= len(bodies)


def test_pages_of_a_store_that_never_answered_say_so(stored: Path) -> None:
    def opened() -> Readable:
        raise StoreError("all connection attempts failed")

    pages = asyncio.run(_told(opened, lambda shown: bool(shown.why_old)))
    assert "The store does not answer" in pages["overview"]
    assert "All input was read" not in pages["overview"]
    health = json.loads(pages["health.json"])
    assert "does not answer" in health["whyOld"]
    assert "Everything" not in json.dumps(health)


def test_pages_of_a_store_that_is_lost_say_that_they_are_old(stored: Path, tmp_path: Path) -> None:
    path = tmp_path / "results.db"
    path.write_bytes(stored.read_bytes())

    def is_told(shown: Shown) -> bool:
        if not shown.known.reading:
            path.unlink(missing_ok=True)
        return bool(shown.why_old)

    pages = asyncio.run(_told(lambda: LocalReader(path), is_told))
    assert "this is what was read last" in pages["overview"]
    assert "Everything here is current" not in pages["health.json"]


def test_a_port_that_is_in_use_is_named(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert main(["ui", "--port", str(port), str(SHOP)]) == 2
    assert f"cannot answer at 127.0.0.1:{port}: address already in use; give another --port" in (
        capfd.readouterr().err
    )


@pytest.mark.parametrize(
    "flag", ["--host", "--register", "--key", "--kube", "--kubeconfig", "--kube-context"]
)
def test_a_flag_that_would_do_nothing_is_refused(flag: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["ui", str(SHOP), flag, "10.0.0.1"]) == 2
    assert flag in capfd.readouterr().err
