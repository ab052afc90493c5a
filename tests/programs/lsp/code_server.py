"""A real Visual Studio Code in a browser: code-server of the npm registry, installed once and kept in the user's cache."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

VERSION = "4.100.3"
HOME = Path.home() / ".cache" / "leadline" / f"code-server-{VERSION}"
ENTRY = HOME / "node_modules/code-server/out/node/entry.js"
_NPM = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
_WAIT_S = 120


def installed() -> Path:
    """The program, installed first where it is not there yet: some minutes, 310 MB."""
    if (HOME / "done").exists():
        return ENTRY
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    (HOME / "package.json").write_text("{}")
    _run("npm", "install", *_NPM, f"code-server@{VERSION}", cwd=HOME)
    inner = HOME / "node_modules/code-server/lib/vscode"
    _run("npm", "install", *_NPM, "--omit=dev", "--legacy-peer-deps", cwd=inner)
    # It hashes passwords, and there is none; it is not built where Node has no headers.
    (HOME / "node_modules/argon2/argon2.js").write_text("module.exports = {};\n")
    # Of those that cannot be built here the terminal alone is missed.
    subprocess.run(["npm", "rebuild", "--loglevel=error"], cwd=inner, capture_output=True, check=False)
    (HOME / "done").touch()
    return ENTRY


@contextmanager
def serving(folder: Path, extension: Path, command: list[str], *, is_trusted: bool = True) -> Iterator[str]:
    """The address of an editor with ``extension`` that starts the server by ``command``; its files are in ``folder``."""
    entry, data = installed(), folder / "data"
    (data / "User").mkdir(parents=True)
    settings = {
        "leadline.command": command,
        "files.autoSave": "off",
        "workbench.startupEditor": "none",
        "security.workspace.trust.startupPrompt": "never",
        "security.workspace.trust.banner": "never",
    }
    (data / "User/settings.json").write_text(json.dumps(settings))
    (folder / "config.yaml").write_text("auth: none\n")
    words = ["node", str(entry), "--config", str(folder / "config.yaml"), "--user-data-dir", str(data)]
    words += ["--extensions-dir", str(folder / "extensions")]
    _run(*words, "--install-extension", str(extension), cwd=folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    trust = ["--disable-workspace-trust"] if is_trusted else []
    words += ["--bind-addr", f"127.0.0.1:{port}", "--disable-telemetry", "--disable-update-check", *trust]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, env={**os.environ})
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(f"{address}/healthz")
            yield address
        finally:
            process.terminate()
            process.wait(30)


def _wait_for(address: str) -> None:
    end = time.monotonic() + _WAIT_S
    while time.monotonic() < end:
        try:
            with urlopen(address, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    sys.exit(f"nothing answers at {address}")


def _run(*words: str, cwd: Path) -> None:
    subprocess.run(words, cwd=cwd, check=True, capture_output=True, text=True, timeout=1_200)
