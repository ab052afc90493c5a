"""Pages in every state that they may be in, each with what it says then."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import uvicorn
from msgspec import Struct
from pages_process import ANSWER_S, ROOT, pages_of

from leadline.api.carriers.local import LocalStore
from leadline.api.carriers.local_reading import LocalReader
from leadline.api.protocol import Readable
from leadline.errors import StoreError
from leadline.programs.ui.app import App
from leadline.programs.ui.keeping import Keeper, Shown
from leadline.scans.options import PostureOptions
from leadline.scans.pages.reading import nothing_yet, read_folder
from leadline.scans.pages.world import Known
from leadline.scans.stored.store_posture import StoreOptions, store_posture

SHOP = ROOT / "examples" / "shop"
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a%s, namespace: n%s}\nspec: {containers: [{name: c, image: d}]}\n"


class State(Struct, frozen=True):
    served: Callable[[], AbstractContextManager[str]]
    """The address of the overview."""
    says: str


class Door:
    def __init__(self, seen: frozenset[str] | None = None) -> None:
        self._seen = seen

    async def seen(self, asked: object, namespaces: frozenset[str]) -> frozenset[str] | None:
        return self._seen


def _folder(workloads: int) -> Callable[[], AbstractContextManager[str]]:
    @contextmanager
    def served() -> Iterator[str]:
        with TemporaryDirectory() as name:
            pods = [POD % (number, number % 40) for number in range(workloads)]
            namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: b}\n"
            Path(name, "all.yaml").write_text("---\n".join([namespace, *pods]))
            with pages_of(name) as address:
                yield address

    return served


@contextmanager
def _here(shown: Shown, door: Door, opened: Callable[[], Readable] | None = None) -> Iterator[str]:
    """Pages served in a thread of this process."""
    server = uvicorn.Server(uvicorn.Config(App(shown, door), port=0, log_config=None, lifespan="off"))

    async def serve() -> None:
        keeping = asyncio.ensure_future(Keeper(shown, opened).run()) if opened else None
        await server.serve()
        if keeping:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    waited = threading.Event()
    while not server.started and thread.is_alive():
        waited.wait(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/pages/overview"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(ANSWER_S)


def _until(is_so: Callable[[], bool]) -> None:
    waited = threading.Event()
    for _ in range(ANSWER_S * 20):
        if is_so():
            return
        waited.wait(0.05)
    raise TimeoutError


@contextmanager
def _unavailable() -> Iterator[str]:
    def opened() -> Readable:
        raise StoreError("all connection attempts failed")

    shown = Shown(nothing_yet("kube", "leadline scan --from-store kube"))
    with _here(shown, Door(), opened) as address:
        _until(lambda: bool(shown.why_old))
        yield address


@contextmanager
def _stale() -> Iterator[str]:
    with ExitStack() as stack:
        file = Path(stack.enter_context(TemporaryDirectory()), "results.db")
        # Playwright's loop runs in this thread.
        storing = threading.Thread(target=asyncio.run, args=(_stored(file),))
        storing.start()
        storing.join(ANSWER_S)
        shown = Shown(nothing_yet(str(file), "leadline scan"))
        address = stack.enter_context(_here(shown, Door(), lambda: LocalReader(file)))
        _until(lambda: not shown.known.reading)
        file.unlink()
        _until(lambda: bool(shown.why_old))
        yield address


async def _stored(file: Path) -> None:
    store = LocalStore(file)
    await store_posture(store, _shop().report, StoreOptions(is_full=True))
    await store.close()


@contextmanager
def _partial() -> Iterator[str]:
    with _here(Shown(_shop()), Door(frozenset({"shop"}))) as address:
        yield address


def _shop() -> Known:
    return read_folder([str(SHOP)], PostureOptions())


STATES = {
    "0 workloads": State(_folder(0), "1 object judged"),
    "1 workload": State(_folder(1), "2 objects judged"),
    "5,000 workloads": State(_folder(5_000), "5,001 objects judged"),
    "store unavailable": State(_unavailable, "The store does not answer"),
    "store lost": State(_stale, "this is what was read last"),
    "partial rights": State(_partial, "in 1 of 2 namespaces"),
}
