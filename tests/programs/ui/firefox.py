"""Firefox ESR over WebDriver BiDi: JSON over a WebSocket, as much of both as tests need."""

import base64
import json
import os
import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

FIREFOX = shutil.which("firefox-esr") or ""
ANSWER_S = 120
_LISTENING = re.compile(r"WebDriver BiDi listening on ws://127\.0\.0\.1:(\d+)")
_PREFERENCES = (
    "app.update.enabled",
    "datareporting.policy.dataSubmissionEnabled",
    "browser.shell.checkDefaultBrowser",
)


class Firefox:
    """One tab. ``events`` are those that came while an answer was waited for."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_S)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self.events: list[dict[str, Any]] = []
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall(
            (
                f"GET /session HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
            ).encode()
        )
        status = self._file.readline()
        assert b" 101 " in status, status
        while self._file.readline().strip():
            pass
        self.ask(
            "session.new", capabilities={"alwaysMatch": {"unhandledPromptBehavior": {"default": "ignore"}}}
        )
        self.ask("session.subscribe", events=["browsingContext.userPromptOpened", "log.entryAdded"])
        self._tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **params: Any) -> Any:
        """The result of one command. Raises: ``RuntimeError`` with the error of the browser."""
        self._number += 1
        self._send(json.dumps({"id": self._number, "method": method, "params": params}).encode())
        while True:
            said = json.loads(self._receive())
            if said.get("type") == "event":
                self.events.append(said)
            elif said.get("id") == self._number:
                if said["type"] == "error":
                    raise RuntimeError(f"{method}: {said['error']}: {said['message']}")
                return said["result"]

    def open(self, url: str) -> None:
        self.ask("browsingContext.navigate", context=self._tab, url=url, wait="complete")

    def value(self, expression: str) -> Any:
        """Of an expression that is a number, a text or a truth value."""
        found = self.ask(
            "script.evaluate", expression=expression, target={"context": self._tab}, awaitPromise=True
        )
        assert found["type"] == "success", found
        return found["result"].get("value")

    def type_into(self, selector: str, text: str) -> None:
        """Into a field of the page, key by key."""
        self.value(f"document.querySelector({json.dumps(selector)}).focus()")
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        typed = {"type": "key", "id": "keys", "actions": keys}
        self.ask("input.performActions", context=self._tab, actions=[typed])

    def close_prompt(self) -> None:
        self.ask("browsingContext.handleUserPrompt", context=self._tab, accept=True)

    def close(self) -> None:
        self.ask("browser.close")
        self._socket.close()

    def _send(self, content: bytes) -> None:
        mask = os.urandom(4)
        head = b"\x81" + (
            bytes([0x80 | len(content)]) if len(content) < 126 else b"\xfe" + struct.pack(">H", len(content))
        )
        self._socket.sendall(head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(content)))

    def _receive(self) -> bytes:
        """One message, whose frames may be several; signs of life in between are passed over."""
        parts = b""
        while True:
            first, second = self._file.read(2)
            length = second & 0x7F
            if length >= 126:
                form = ">H" if length == 126 else ">Q"
                (length,) = struct.unpack(form, self._file.read(struct.calcsize(form)))
            content = self._file.read(length)
            if first & 0x0F in (0, 1):
                parts += content
                if first & 0x80:
                    return parts


@contextmanager
def firefox() -> Iterator[Firefox]:
    """One browser with a new profile."""
    with TemporaryDirectory() as home:
        profile = Path(home, "profile")
        profile.mkdir()
        lines = "".join(f'user_pref("{name}", false);\n' for name in _PREFERENCES)
        (profile / "user.js").write_text(lines)
        with subprocess.Popen(
            [FIREFOX, "--headless", "--remote-debugging-port", "0", "--profile", str(profile), "--no-remote"],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "HOME": home, "MOZ_CRASHREPORTER_DISABLE": "1"},
        ) as process:
            try:
                assert process.stderr is not None
                port = next(int(found[1]) for line in process.stderr if (found := _LISTENING.search(line)))
                browser = Firefox(port)
                yield browser
                browser.close()
            finally:
                process.terminate()
                process.wait(ANSWER_S)
