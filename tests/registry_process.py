"""Debian's docker-registry as a process of its own: a real registry for tests, without TLS, on a loopback port."""

import base64
import json
import shutil
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from image_archives import Blobs, digest

ATTEMPTS = 600
CONFIG = """\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: "{folder}"}}}}
http: {{addr: "{address}:{port}"}}
"""


class Registry:
    """Where images and what belongs to them are pushed to."""

    def __init__(self, host: str, user: str = "", password: str = "") -> None:
        self.host = host
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {pair}"} if user else {}

    def ask(
        self, method: str, path: str, content: bytes | None = None, kind: str = "application/octet-stream"
    ) -> int:
        address = path if path.startswith("http") else f"http://{self.host}{path}"
        headers = {"Content-Type": kind, **self._headers}
        request = urllib.request.Request(address, content, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            self.location = answer.headers.get("Location", "")
            return int(answer.status)

    def push_blob(self, repository: str, content: bytes) -> None:
        self.ask("POST", f"/v2/{repository}/blobs/uploads/", b"")
        joint = "&" if "?" in self.location else "?"
        self.ask("PUT", f"{self.location}{joint}digest={digest(content)}", content)

    def push_manifest(self, repository: str, name: str, manifest: dict[str, object]) -> str:
        content = json.dumps(manifest).encode()
        self.ask("PUT", f"/v2/{repository}/manifests/{name}", content, str(manifest["mediaType"]))
        return digest(content)

    def push_image(self, repository: str, tag: str, layers: list[bytes], **run: object) -> str:
        """The digest of its manifest. ``run``: how it runs, by the words of an image's configuration."""
        blobs = Blobs()
        manifest = blobs.blobs[str(blobs.image(layers, **run)["digest"])]
        for content in blobs.blobs.values():
            if content != manifest:
                self.push_blob(repository, content)
        return self.push_manifest(repository, tag, json.loads(manifest))

    def attach(
        self, repository: str, name: str, layers: list[tuple[str, bytes, dict[str, str]]], **more: object
    ) -> str:
        """A manifest of ``layers`` (media type, content, annotations) under ``name``; returns its digest."""
        config = b"{}"
        for content in (config, *(layer[1] for layer in layers)):
            self.push_blob(repository, content)
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": digest(config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": kind,
                    "digest": digest(content),
                    "size": len(content),
                    "annotations": annotations,
                }
                for kind, content, annotations in layers
            ],
            **more,
        }
        if not name:
            name = digest(json.dumps(manifest).encode())
        return self.push_manifest(repository, name, manifest)


def is_here() -> bool:
    return shutil.which("docker-registry") is not None


@contextmanager
def real_registry(
    folder: Path, user: str = "", password: str = "", address: str = "127.0.0.1", port: int = 0
) -> Iterator[Registry]:
    """With a ``user`` it is closed to all others, by Apache's ``htpasswd``. ``port`` 0: one that is free."""
    with socket.socket() as free:
        free.bind((address, 0))
        port = port or free.getsockname()[1]
    settings = CONFIG.format(folder=folder / "registry", address=address, port=port)
    if user:
        made = ["htpasswd", "-Bbn", user, password]
        (folder / "users").write_bytes(subprocess.run(made, check=True, capture_output=True).stdout)
        settings += f'auth: {{htpasswd: {{realm: "test", path: "{folder / "users"}"}}}}\n'
    (folder / "registry.yml").write_text(settings)
    program = shutil.which("docker-registry") or ""
    with subprocess.Popen(
        [program, "serve", str(folder / "registry.yml")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            registry = Registry(f"{address}:{port}", user, password)
            for _ in range(ATTEMPTS):
                try:
                    registry.ask("GET", "/v2/")
                    break
                except (urllib.error.URLError, ConnectionError):
                    # Until it listens, or has ended.
                    try:
                        process.wait(0.05)
                        break
                    except subprocess.TimeoutExpired:
                        continue
            yield registry
        finally:
            process.terminate()
