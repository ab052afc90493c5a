"""What is outside of a cluster and reached from it: a registry with an image, and a published vulnerability database."""

import io
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from installation import ROOT
from whole_cluster import BUSYBOX

from file_server import FileServer, serving_files
from registry_process import Registry, real_registry
from vulnerabilities.matching.made_database import advisory, build_of

VULNERABILITY = "CVE-2026-1000"
INSTALLED = b"P:openssl\nV:3.1.0-r0\nA:x86_64\no:openssl\n\n"


class Outside:
    """Comes and goes with ``start`` and ``stop``, always at the same address."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder, self._address, self._port = folder, address, 0
        self._running = ExitStack()
        self.registry = self.start()

    def start(self) -> Registry:
        registry = self._running.enter_context(
            real_registry(self._folder, address=self._address, port=self._port)
        )
        self._port = int(registry.host.rpartition(":")[2])
        return registry

    def stop(self) -> None:
        self._running.close()

    def push(self, repository: str) -> str:
        """The reference of an image that runs, with a package that ``VULNERABILITY`` is about; of its own digest."""
        self.registry.push_image(repository, "1", [_layer(repository)])
        return f"{self.registry.host}/{repository}:1"


@contextmanager
def published_database(folder: Path, address: str) -> Iterator[tuple[str, str]]:
    """Where a database that knows ``VULNERABILITY`` is published, and the public key of its publisher."""
    database, public = folder / "vulnerabilities.db", folder / "public"
    facts = [advisory(VULNERABILITY, "Alpine:3.19", "openssl", fixed="3.1.1-r0", severity="critical")]
    build_of(database, {"feed": facts})
    private, shown = folder / "private.pem", folder / "public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", shown], check=True)
    command = [sys.executable, "-m", "leadline.programs.cli.main", "db", "publish", str(public)]
    subprocess.run(
        [*command, "--db", str(database), "--key", str(private)],
        check=True,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "", "HOME": str(folder)},
    )
    with serving_files(FileServer(public, host=address)) as server:
        yield server.address, shown.read_text()


def _layer(name: str) -> bytes:
    buffer = io.BytesIO()
    files = {
        "bin/busybox": (BUSYBOX.read_bytes(), 0o755),
        "etc/hostname": (name.encode(), 0o644),
        "etc/os-release": (b"ID=alpine\nVERSION_ID=3.19.1\n", 0o644),
        "lib/apk/db/installed": (INSTALLED, 0o644),
    }
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path, (content, mode) in files.items():
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(content), mode
            tar.addfile(entry, io.BytesIO(content))
        link = tarfile.TarInfo("bin/sleep")
        link.type, link.linkname = tarfile.SYMTYPE, "busybox"
        tar.addfile(link)
    return buffer.getvalue()
