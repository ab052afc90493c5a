"""A store that is opened to be read writes nothing, and no account that may do more is used for it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
import yaml

from leadline.api.protocol import Content, Put
from leadline.api.selection import Key
from leadline.errors import ClusterError, StoreError, UsageError
from leadline.scans.stored.only_read import KUBE, OnlyRead, only_read
from memory_store import MemoryStore


class Reviews(BaseHTTPRequestHandler):
    """Answers what an account may do: ``allowed`` has the rights, ``refuses`` answers 403."""

    allowed: tuple[tuple[str, str], ...] = ()
    refuses = False
    asked: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        wanted = body["spec"]["resourceAttributes"]
        self.asked.append(wanted)
        is_allowed = (wanted["verb"], wanted["resource"]) in self.allowed
        answer = json.dumps({"status": {"allowed": is_allowed}}).encode()
        self.send_response(403 if self.refuses else 201)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Reviews)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    cluster = {"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
    context = {"name": "c", "context": {"cluster": "c", "user": "u"}}
    config = {
        "current-context": "c",
        "clusters": [cluster],
        "contexts": [context],
        "users": [{"name": "u", "user": {}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(config))
    Reviews.allowed, Reviews.refuses, Reviews.asked = (), False, []
    yield str(tmp_path / "config")
    server.shutdown()
    thread.join()
    server.server_close()


def opened(kubeconfig: str) -> None:
    async def run() -> None:
        async with only_read(KUBE, kubeconfig, {}):
            pass

    asyncio.run(run())


def test_an_account_that_may_only_read_results_is_used(kubeconfig: str):
    opened(kubeconfig)
    assert {one["resource"] for one in Reviews.asked} == {
        "secrets",
        "pods",
        "serviceaccounts",
        "deployments",
        "users",
    }


@pytest.mark.parametrize("right", [("get", "secrets"), ("patch", "deployments"), ("impersonate", "users")])
def test_an_account_that_may_do_more_is_refused(kubeconfig: str, right: tuple[str, str]):
    Reviews.allowed = (right,)
    with pytest.raises(UsageError, match=f"this account may {right[0]} {right[1]}"):
        opened(kubeconfig)


def test_an_account_of_which_nothing_is_known_is_refused(kubeconfig: str):
    Reviews.refuses = True
    with pytest.raises(ClusterError, match="does not say what this account may do"):
        opened(kubeconfig)


def test_nothing_is_written_through_it():
    async def run() -> None:
        store = OnlyRead(MemoryStore())
        put = Put(Key("scanruns", "", "x"), Content(b'{"name":"x"}'))
        for work in (store.put(put), store.put_all([put]), store.delete(put.key)):
            with pytest.raises(StoreError, match="opened to be read"):
                await work
        with pytest.raises(StoreError, match="opened to be read"):
            store.watch(None, 0)  # type: ignore[arg-type]
        assert await store.get(put.key) is None

    asyncio.run(run())
