"""The server as an editor meets it: a process, and messages on its standard input and output."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from test_neovim import POD, ROOT

from leadline.model.vulnerability import FeedDate
from vulnerabilities.matching.made_database import advisory, build_of

PULLING = {"textDocument": {"diagnostic": {}}, "workspace": {"diagnostics": {"refreshSupport": True}}}


class Editor:
    """Speaks the protocol and answers nothing but by ``null``."""

    def __init__(self, *words: str, environment: Mapping[str, str] = MappingProxyType({})) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "leadline.programs.cli.main", "lsp", *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        )
        self.said: dict[str, list[dict[str, Any]]] = {}
        """The newest diagnostics by URI."""
        self.asked: list[str] = []
        """Methods that the server asked or announced."""
        self.progress: list[tuple[str, str]] = []
        """Token and kind of what it said of its progress."""
        self._last = 0

    def open_folders(self, *folders: Path, capabilities: dict[str, Any] | None = None) -> dict[str, Any]:
        named = [{"uri": one.as_uri(), "name": one.name} for one in folders]
        found = self.request(
            "initialize",
            processId=None,
            rootUri=None,
            workspaceFolders=named,
            capabilities=capabilities or {},
        )
        self.notify("initialized")
        return found

    def open(self, file: Path, text: str) -> str:
        document = {"uri": file.as_uri(), "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", textDocument=document)
        return file.as_uri()

    def notify(self, method: str, **params: Any) -> None:
        self._send({"jsonrpc": "2.0", "method": method, "params": params})

    def request(self, method: str, **params: Any) -> Any:
        self._last += 1
        self._send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        message = self._answer()
        assert "error" not in message, message
        return message["result"]

    def cancelled(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a request that is taken back in the same breath."""
        self._last += 1
        self._send(
            {"jsonrpc": "2.0", "id": self._last, "method": method, "params": params},
            {"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": self._last}},
        )
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        while True:
            message = self._take()
            if message.get("id") == self._last and "method" not in message:
                return message

    def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            self._take()

    def ids(self, uri: str) -> str:
        return ", ".join(str(one["code"]) for one in self.said.get(uri, ()))

    def _send(self, *messages: dict[str, Any]) -> None:
        contents = [json.dumps(message).encode() for message in messages]
        assert self.process.stdin is not None
        self.process.stdin.write(
            b"".join(b"Content-Length: %d\r\n\r\n%s" % (len(one), one) for one in contents)
        )
        self.process.stdin.flush()

    def _take(self) -> dict[str, Any]:
        stream = self.process.stdout
        assert stream is not None
        length = 0
        while line := stream.readline().strip():
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        assert length, "the server ended"
        message: dict[str, Any] = json.loads(stream.read(length))
        method = message.get("method", "")
        if method == "textDocument/publishDiagnostics":
            self.said[message["params"]["uri"]] = message["params"]["diagnostics"]
        if method == "$/progress":
            self.progress.append((message["params"]["token"], message["params"]["value"]["kind"]))
        if method:
            self.asked.append(method)
            if "id" in message:
                self._send({"jsonrpc": "2.0", "id": message["id"], "result": None})
        return message

    def leave(self) -> int:
        self.request("shutdown")
        self.notify("exit")
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(60)


@pytest.fixture
def editor() -> Iterator[Editor]:
    editor = Editor()
    yield editor
    assert editor.leave() == 0


def test_several_folders_files_that_change_on_disk_and_places_in_utf_16(editor: Editor, tmp_path: Path):
    one, other = tmp_path / "one", tmp_path / "other"
    for folder in (one, other):
        folder.mkdir()
        (folder / "pod.yaml").write_text(POD)
    text = POD.replace("{name: shell, image", "{name: '😀', image")
    editor.open_folders(one, other)
    first, second = editor.open(one / "pod.yaml", text), editor.open(other / "pod.yaml", POD)
    editor.until(lambda: "C-0030" in editor.ids(first) and "C-0030" in editor.ids(second))
    spans = [d["range"] for d in editor.said[first] if d["range"]["start"]["line"] == 5]
    assert {one["end"]["character"] for one in spans} == {len(text.splitlines()[5].encode("utf-16-le")) // 2}
    policy = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
"""
    (one / "policy.yaml").write_text(policy)
    changed = {"uri": (one / "policy.yaml").as_uri(), "type": 1}
    editor.notify("workspace/didChangeWatchedFiles", changes=[changed])
    editor.until(lambda: "C-0030" not in editor.ids(first))
    assert "C-0030" in editor.ids(second)
    (one / "policy.yaml").rename(one / "policy.txt")
    editor.notify("workspace/didChangeWatchedFiles", changes=[{**changed, "type": 3}])
    editor.until(lambda: "C-0030" in editor.ids(first))
    editor.notify("textDocument/didClose", textDocument={"uri": first})
    editor.until(lambda: editor.said[first] == [])
    removed = {"added": [], "removed": [{"uri": other.as_uri(), "name": "other"}]}
    editor.notify("workspace/didChangeWorkspaceFolders", event=removed)
    editor.until(lambda: editor.said[second] == [])


def test_an_editor_that_asks_for_diagnostics_is_sent_none(editor: Editor, tmp_path: Path):
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    found = editor.open_folders(tmp_path, capabilities=PULLING)
    assert found["capabilities"]["diagnosticProvider"]["interFileDependencies"]
    uri = editor.open(file, POD)
    editor.until(lambda: "window/logMessage" in editor.asked)
    answer = editor.request("textDocument/diagnostic", textDocument={"uri": uri})
    assert "C-0030" in ", ".join(str(one["code"]) for one in answer["items"])
    assert editor.said == {}


def test_texts_of_no_file_and_files_of_no_folder_are_left_alone(editor: Editor, tmp_path: Path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in/pod.yaml").write_text(POD)
    editor.open_folders(tmp_path / "in")
    editor.until(lambda: "window/logMessage" in editor.asked)
    for uri in ("untitled:Untitled-1", (tmp_path / "out.yaml").as_uri(), "file:///proc/self/mem"):
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": POD}
        editor.notify("textDocument/didOpen", textDocument=document)
        place = {"textDocument": {"uri": uri}, "position": {"line": 4, "character": 0}}
        assert editor.request("textDocument/hover", **place) is None
        span = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
        asked = {"textDocument": {"uri": uri}, "range": span, "context": {"diagnostics": []}}
        assert not editor.request("textDocument/codeAction", **asked)
    assert editor.said == {}


def test_settings_that_change_are_those_of_the_folder_from_then_on(editor: Editor, tmp_path: Path):
    file, settings = tmp_path / "pod.yaml", tmp_path / "leadline.toml"
    file.write_text(POD)
    settings.write_text("")
    editor.open_folders(tmp_path)
    uri = editor.open(file, POD)
    editor.until(lambda: "C-0030" in editor.ids(uri))
    (tmp_path / ".leadlineignore").write_text("pod.yaml\n")
    editor.notify("workspace/didChangeWatchedFiles", changes=[{"uri": settings.as_uri(), "type": 2}])
    editor.until(lambda: editor.said[uri] == [])


def test_a_mistake_in_the_configuration_is_said_and_ends_nothing(editor: Editor, tmp_path: Path):
    (tmp_path / "leadline.toml").write_text("nonsense = 1\n")
    editor.open_folders(tmp_path)
    editor.until(lambda: "window/showMessage" in editor.asked)
    assert (
        editor.request(
            "textDocument/hover", textDocument={"uri": "file:///a"}, position={"line": 0, "character": 0}
        )
        is None
    )


def test_reading_a_folder_shows_its_progress_to_an_editor_that_asks_for_it(editor: Editor, tmp_path: Path):
    (tmp_path / "pod.yaml").write_text(POD)
    editor.open_folders(tmp_path, capabilities={"window": {"workDoneProgress": True}})
    editor.until(lambda: len(editor.progress) == 2)
    (token, begin), (same, end) = editor.progress
    assert (begin, end, token) == ("begin", "end", same)
    assert editor.asked.index("window/workDoneProgress/create") < editor.asked.index("$/progress")


def test_progress_ends_where_a_folder_cannot_be_read_as_well(editor: Editor, tmp_path: Path):
    (tmp_path / "leadline.toml").write_text("nonsense = 1\n")
    editor.open_folders(tmp_path, capabilities={"window": {"workDoneProgress": True}})
    editor.until(lambda: [kind for _, kind in editor.progress] == ["begin", "end"])


def test_a_request_that_is_taken_back_is_not_answered_and_ends_nothing(editor: Editor, tmp_path: Path):
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    editor.open_folders(tmp_path)
    uri = editor.open(file, POD)
    editor.until(lambda: "C-0030" in editor.ids(uri))
    span = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}}
    asked = {"textDocument": {"uri": uri}, "range": span, "context": {"diagnostics": []}}
    assert editor.cancelled("textDocument/codeAction", **asked)["error"]["code"] == -32800
    assert editor.request("textDocument/codeAction", **asked)


def test_links_lead_to_files_of_a_kustomization_and_to_pages_of_accepted_controls(
    editor: Editor, tmp_path: Path
):
    file, kustomization = tmp_path / "pod.yaml", tmp_path / "kustomization.yaml"
    text = POD.replace("# 😀", "# leadline: accept C-0030 one day")
    file.write_text(text)
    listed = "resources: # 😀\n- pod.yaml\n- ../outside.yaml\n- gone.yaml\n"
    kustomization.write_text(listed)
    (tmp_path.parent / "outside.yaml").write_text(POD)
    editor.open_folders(tmp_path)
    first, second = editor.open(file, text), editor.open(kustomization, listed)
    editor.until(lambda: "window/logMessage" in editor.asked)
    (page,) = editor.request("textDocument/documentLink", textDocument={"uri": first})
    assert page["target"].startswith("https://")
    line = text.splitlines()[page["range"]["start"]["line"]]
    assert line[page["range"]["start"]["character"] : page["range"]["end"]["character"]] == "C-0030"
    (there,) = editor.request("textDocument/documentLink", textDocument={"uri": second})
    assert there["target"] == file.as_uri()
    assert there["range"] == {"start": {"line": 1, "character": 2}, "end": {"line": 1, "character": 10}}


def test_a_dockerfile_is_judged_while_it_is_typed(editor: Editor, tmp_path: Path):
    file = tmp_path / "Dockerfile"
    file.write_text("FROM alpine\n")
    editor.open_folders(tmp_path)
    uri = editor.open(file, "FROM alpine\nUSER root\n")
    editor.until(lambda: "L-0106" in editor.ids(uri) and "window/logMessage" in editor.asked)
    lines = {one["code"]: one["range"]["start"]["line"] for one in editor.said[uri]}
    assert lines == {"L-0108": 0, "L-0106": 1}
    at = {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 1}}
    assert "USER" in editor.request("textDocument/hover", **at)["contents"]["value"]


def test_an_image_is_counted_where_there_is_a_database(tmp_path: Path):
    (tmp_path / "shop").mkdir()
    file = tmp_path / "shop/pod.yaml"
    text = POD.replace("busybox", "127.0.0.1:1/gone")
    file.write_text(text)
    known = advisory("CVE-2024-1000", "Debian:12", "glibc", fixed="2.36-9", severity="high")
    build_of(tmp_path / "v.db", {"debian": [known, FeedDate("2026-06-30")]})
    editor = Editor(environment={"LEADLINE_DB": str(tmp_path / "v.db")})
    refreshing = {"workspace": {"codeLens": {"refreshSupport": True}}}
    found = editor.open_folders(tmp_path / "shop", capabilities=refreshing)
    (command,) = found["capabilities"]["executeCommandProvider"]["commands"]
    uri = editor.open(file, text)
    editor.until(lambda: "window/logMessage" in editor.asked)

    def lens() -> dict[str, Any]:
        (one,) = editor.request("textDocument/codeLens", textDocument={"uri": uri})
        assert one["range"]["start"]["line"] == 5
        return one["command"]

    assert lens()["title"] == "Leadline: count the vulnerabilities of this image"
    assert lens()["command"] == command
    editor.request("workspace/executeCommand", command=command, arguments=lens()["arguments"])
    assert "workspace/codeLens/refresh" in editor.asked
    assert lens()["title"].startswith("Leadline: not scanned: ")
    assert editor.leave() == 0
    editor = Editor(environment={"LEADLINE_DB": str(tmp_path / "gone.db")})
    editor.open_folders(tmp_path / "shop")
    uri = editor.open(file, text)
    editor.until(lambda: "window/logMessage" in editor.asked)
    assert editor.request("textDocument/codeLens", textDocument={"uri": uri}) == []
    assert editor.leave() == 0
