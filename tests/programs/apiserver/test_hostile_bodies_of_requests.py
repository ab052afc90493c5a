"""One user with the right to write one object neither fills the server's memory nor keeps the others waiting."""

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from asgi import APPLY, MERGE, OPERATIONS
from lone_server import LoneServer

from leadline.api.catalogue import KINDS

CHART_LIMIT_MIB = 512
"""Of the server's container, in the chart."""
LARGEST = max(KINDS, key=lambda kind: kind.max_bytes)
Headers = dict[str, str]


def slowest_ready_s() -> float:
    """A second of a processor: longer where others want it too."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


@pytest.fixture(scope="module")
def server() -> Iterator[LoneServer]:
    with LoneServer() as server:
        yield server


class Asker:
    def __init__(self, server: LoneServer) -> None:
        self._server = server

    def ask(self, method: str, path: str, body: bytes = b"", media_type: str = "application/json") -> int:
        """The code of the answer; 0 where the connection was closed before the body was taken."""
        connection = http.client.HTTPSConnection(
            self._server.host, self._server.port, context=self._server.tls(), timeout=60
        )
        headers = {"Authorization": "Bearer a", "Content-Type": media_type}
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()


class Watcher:
    """Asks beside whether the server is ready, and knows the longest that it took."""

    def __init__(self, server: LoneServer) -> None:
        self._asker = Asker(server)
        self._ended = threading.Event()
        self.slowest_s = 0.0
        self.asked = 0
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watcher":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.is_set():
            began = time.perf_counter()
            assert self._asker.ask("GET", "/readyz") == 200
            self.slowest_s = max(self.slowest_s, time.perf_counter() - began)
            self.asked += 1
            self._ended.wait(0.02)


def peak_mib(server: LoneServer) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) >> 10


def whole(kind: Any, name: str, **fields: Any) -> bytes:
    head = {"apiVersion": kind.api_version, "kind": kind.name, "metadata": {"name": name}, **fields}
    return json.dumps(head).encode()


def path_of(kind: Any) -> str:
    place = "namespaces/default/" if kind.is_namespaced else ""
    return f"/apis/{kind.group}/{kind.version}/{place}{kind.plural}"


SUMMARY = next(kind for kind in KINDS if kind.plural == "workloadconfigurationscansummaries")
LONG = "a" * 250_000
COPIES = [
    {"op": "add", "path": "/metadata/annotations", "value": {"a": LONG}},
    *({"op": "copy", "from": "/metadata/annotations/a", "path": f"/spec/c{i}"} for i in range(9_000)),
]
MOVES = [
    {"op": "add", "path": "/spec/list", "value": list(range(50_000))},
    *({"op": "move", "from": "/spec/list/0", "path": "/spec/list/-"} for _ in range(9_000)),
]


def filled(value: bytes, mib: int) -> bytes:
    """An object of the largest kind with a list of ``value``."""
    head = whole(LARGEST, "filled", spec="HERE")
    number = (mib << 20) // (len(value) + 1)
    return head.replace(b'"HERE"', b'{"x":[' + b",".join([value] * number) + b"]}")


PATCHES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a long text copied nine thousand times": (OPERATIONS, lambda: json.dumps(COPIES).encode()),
    "a long list turned round": (OPERATIONS, lambda: json.dumps(MOVES).encode()),
    "numbers to the base of sixty": (APPLY, lambda: b"x: 1" + b":59" * 80_000),
    "a wide mapping": (APPLY, lambda: b"{" + b",".join(b"a%d: 1" % i for i in range(250_000)) + b"}"),
    "aliases": (APPLY, lambda: b"a: &a [1,1,1]\nb: &b [*a,*a,*a]\nc: [*b,*b,*b]\n"),
    "200,000 labels": (
        MERGE,
        lambda: json.dumps({"metadata": {"labels": {f"a{i}": "" for i in range(200_000)}}}).encode(),
    ),
}
BODIES: dict[str, Callable[[], bytes]] = {
    "empty lists": lambda: filled(b"[]", 25),
    "empty mappings": lambda: filled(b'{"a":{}}', 25),
    "small texts": lambda: filled(b'"ab"', 25),
    "large numbers": lambda: filled(b"12345678", 25),
    "as many values as are taken": lambda: filled(b'{"a":{}}', 4),
    "as many texts as are taken": lambda: filled(b'"0123456789"', 24),
    "one long text": lambda: filled(b'"' + b"a" * (20 << 20) + b'"', 21),
}


@pytest.mark.parametrize("case", PATCHES)
def test_no_patch_of_one_object_keeps_the_others_waiting(server: LoneServer, case: str):
    asker = Asker(server)
    asker.ask("POST", path_of(SUMMARY), whole(SUMMARY, "one"))
    media_type, body = PATCHES[case]
    with Watcher(server) as watcher:
        suffix = "?fieldManager=m" if media_type == APPLY else ""
        code = asker.ask("PATCH", f"{path_of(SUMMARY)}/one{suffix}", body(), media_type)
    assert 400 <= code < 500 or code == 0
    assert watcher.slowest_s < slowest_ready_s(), watcher.slowest_s
    assert peak_mib(server) < CHART_LIMIT_MIB


@pytest.mark.parametrize("case", BODIES)
def test_no_body_takes_more_memory_than_the_chart_gives(server: LoneServer, case: str):
    body = BODIES[case]()
    with Watcher(server) as watcher:
        code = Asker(server).ask("POST", path_of(LARGEST), body)
    assert code in (0, 201, 400, 409, 413, 422), code
    assert watcher.asked
    assert watcher.slowest_s < slowest_ready_s(), (code, watcher.slowest_s)
    assert peak_mib(server) < CHART_LIMIT_MIB, code


def test_many_large_bodies_at_once_take_no_more_memory(server: LoneServer):
    body = BODIES["as many values as are taken"]()
    codes: list[int] = []
    # As with real documents, what is taken once is taken from all.
    assert Asker(server).ask("POST", path_of(LARGEST), body) in (201, 409, 422)

    def send() -> None:
        codes.append(Asker(server).ask("POST", path_of(LARGEST), body))

    threads = [threading.Thread(target=send) for _ in range(12)]
    with Watcher(server) as watcher:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(codes) <= {0, 201, 400, 409, 413, 422, 429}, codes
    assert watcher.slowest_s < slowest_ready_s(), watcher.slowest_s
    assert peak_mib(server) < CHART_LIMIT_MIB
