"""A list server that can be watched: it sends the prepared lines of each watch, then ends it."""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from list_server import Fault, ListServer, Row, status


def event(what: str, body: Mapping[str, Any]) -> bytes:
    return json.dumps({"type": what, "object": body}).encode() + b"\n"


def expired() -> bytes:
    return event("ERROR", json.loads(status(410, "too old resource version")))


class WatchServer(ListServer):
    """``watches`` holds, by plural, what each watch of the kind sends, one after the other; later ones wait.

    What is called may wait before it says what is sent.
    """

    def __init__(self, rows: tuple[Row, ...]) -> None:
        super().__init__(rows)
        self.watches: dict[str, list[tuple[bytes, ...] | Fault | Callable[[], tuple[bytes, ...]]]] = {}
        self.watched: list[tuple[str, str]] = []
        """Plural and resource version of each watch."""
        self._held = threading.Event()

    def answer(self, path: str, query: Mapping[str, str], accept: str) -> tuple[int, bytes]:
        if "watch" not in query:
            return super().answer(path, query, accept)
        plural = path.rpartition("/")[2]
        with self._lock:
            self.watched.append((plural, query["resourceVersion"]))
            scripted = self.watches.get(plural)
            sent = scripted.pop(0) if scripted else None
        if sent is None:
            self._held.wait()
            return 200, b""
        if callable(sent):
            sent = sent()
        return (sent.status, sent.body) if isinstance(sent, Fault) else (200, b"".join(sent))

    def __exit__(self, *of: object) -> None:
        self._held.set()
        super().__exit__(*of)
