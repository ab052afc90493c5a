"""The editor's server, over its protocol: ``python bench/editor.py [OBJECTS …]``. Prints what each number is held to.

A folder of that many objects (Deployments with Services, NetworkPolicies and Roles) is written, scanned once by ``leadline scan``,
and opened; then 100 keys are typed into one file, a value, a label, a comment and a name in turn.
"""

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

PROGRAM = [sys.executable, "-m", "leadline.programs.cli.main"]
KEYS = 100
LIMITS = {2_000: 10.0, 10_000: 30.0}
"""Milliseconds for 95 of 100 keys, by the number of objects."""
_FILE = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web-{n}
  namespace: team-{team}
  labels: {{app: web-{n}}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: web-{n}}}}}
  template:
    metadata:
      labels: {{app: web-{n}}}
    spec:
      containers:
      - name: web
        image: registry.example/web:{n}
        env:
        - name: LOG_LEVEL
          value: info
        securityContext:
          privileged: {privileged}
"""
_SERVICE = """\
apiVersion: v1
kind: Service
metadata: {{name: web-{n}, namespace: team-{team}}}
spec:
  selector: {{app: web-{n}}}
  ports: [{{port: 80}}]
"""
_POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {{name: web-{n}, namespace: team-{team}}}
spec:
  podSelector: {{matchLabels: {{app: web-{n}}}}}
  policyTypes: [Ingress]
"""
_ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: reader-{n}, namespace: team-{team}}}
rules:
- {{apiGroups: [""], resources: [pods], verbs: [get, list]}}
"""


def write(folder: Path, objects: int) -> Path:
    """The files; one of them is typed in."""
    kinds = (_FILE, _FILE, _SERVICE, _POLICY, _ROLE)
    for number in range(objects):
        text = kinds[number % len(kinds)]
        values = {
            "n": number - number % len(kinds),
            "team": number % 50,
            "privileged": str(number % 7 == 0).lower(),
        }
        (folder / f"object-{number}.yaml").write_text(text.format(**values))
    return folder / "object-0.yaml"


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


class Editor:
    def __init__(self) -> None:
        self.client = LanguageClient("bench", "1")
        self.said: dict[tuple[str, int | None], float] = {}
        self.news = asyncio.Event()
        self.read = asyncio.Event()

        @self.client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def on_diagnostics(params: lsp.PublishDiagnosticsParams) -> None:
            self.said[params.uri, params.version] = time.perf_counter()
            self.news.set()

        @self.client.feature(lsp.WINDOW_LOG_MESSAGE)
        def on_log(params: lsp.LogMessageParams) -> None:
            self.read.set()

    async def until_said(self, uri: str, version: int) -> float:
        while (uri, version) not in self.said:
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), 120)
        return self.said[uri, version]


async def measure(folder: Path, file: Path, objects: int, scan_s: float) -> bool:
    editor, text, uri = Editor(), file.read_text(), file.as_uri()
    started = time.perf_counter()
    await editor.client.start_io(*PROGRAM, "lsp")
    capabilities = lsp.ClientCapabilities()
    root = folder.as_uri()
    await editor.client.initialize_async(lsp.InitializeParams(capabilities=capabilities, root_uri=root))
    rows = [("initialize answered, s", time.perf_counter() - started, 1.5)]
    editor.client.initialized(lsp.InitializedParams())
    item = lsp.TextDocumentItem(uri, "yaml", 1, text)
    editor.client.text_document_did_open(lsp.DidOpenTextDocumentParams(item))
    opened = time.perf_counter()
    await asyncio.wait_for(editor.read.wait(), 300)
    rows.append(
        (f"all {objects:,} objects judged, times a scan", (time.perf_counter() - started) / scan_s, 3.0)
    )
    first = await editor.until_said(uri, 1)
    rows.append(("first diagnostics of the open file, s after it was opened", first - opened, 1.0))
    spent = []
    lines = text.splitlines()
    spots = ["value: info", "labels: {app: web-0", "privileged: true", "name: web-0"]
    for number in range(KEYS):
        line = next(n for n, one in enumerate(lines) if spots[number % len(spots)] in one)
        column = lines[line].index(spots[number % len(spots)]) + len(spots[number % len(spots)])
        lines[line] = lines[line][:column] + "x" + lines[line][column:]
        at = lsp.Range(lsp.Position(line, column), lsp.Position(line, column))
        change = lsp.TextDocumentContentChangePartial(range=at, text="x")
        version = number + 2
        identifier = lsp.VersionedTextDocumentIdentifier(uri=uri, version=version)
        sent = time.perf_counter()
        editor.client.text_document_did_change(lsp.DidChangeTextDocumentParams(identifier, [change]))
        spent.append((await editor.until_said(uri, version) - sent) * 1e3)
        await asyncio.sleep(0.01)
    spent.sort()
    rows.append(("a key to its diagnostics, median, ms", statistics.median(spent), LIMITS.get(objects, 30.0)))
    rows.append(
        ("a key to its diagnostics, 95 of 100, ms", spent[int(KEYS * 0.95) - 1], LIMITS.get(objects, 30.0))
    )
    server = editor.client._server
    pid = server.pid if server is not None else 0
    rows.append(("resident memory, MiB", resident_mib(pid), 120.0))
    await editor.client.shutdown_async(None)
    editor.client.exit(None)
    for name, value, limit in rows:
        print(f"{objects:>7,}  {name:<58} {value:8.2f}  {'' if value <= limit else 'MORE THAN'} {limit:g}")
    return all(value <= limit for _, value, limit in rows)


def main(words: list[str]) -> int:
    is_fine = True
    for objects in [int(word) for word in words] or list(LIMITS):
        with tempfile.TemporaryDirectory(prefix="leadline-editor-") as work:
            folder = Path(work)
            file = write(folder, objects)
            started = time.perf_counter()
            subprocess.run([*PROGRAM, "scan", work, "-q", "-f", "json", "-o", os.devnull], check=False)
            scan_s = time.perf_counter() - started
            print(f"{objects:>7,}  leadline scan, s {scan_s:49.2f}")
            is_fine &= asyncio.run(measure(folder, file, objects, scan_s))
    return 0 if is_fine else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
