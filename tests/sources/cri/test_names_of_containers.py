"""Names of containers from Podman's own files and from its answers in the form of Docker's."""

import json
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from leadline.errors import SourceError
from leadline.model.container import Container
from leadline.sources.cri.docker_socket import DockerSocket
from leadline.sources.cri.podman_storage import PodmanStorage

ID = "0123456789abcdef" * 4


class Podman:
    """With a container that was created and never started."""

    def __init__(self, root: Path, run: Path) -> None:
        self.root = root
        self._command = [
            "podman", f"--root={root}/var/lib/containers/storage", f"--runroot={run}",
            "--storage-driver=vfs", "--events-backend=none", "--cgroup-manager=cgroupfs",
        ]  # fmt: skip
        with tarfile.open(root / "image.tar", "w") as tar:
            tar.add("/bin/busybox", "bin/sh")
        self.image = self.run("import", "--quiet", str(root / "image.tar"), "localhost/shop:1")
        self.id = self.run("create", "--name=till", "--network=none", "localhost/shop:1", "/bin/sh")

    def run(self, *words: str) -> str:
        ran = subprocess.run(
            [*self._command, *words], capture_output=True, text=True, timeout=120, check=False
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout.split()[-1].removeprefix("sha256:")

    def serve(self, path: Path) -> "subprocess.Popen[bytes]":
        command = [*self._command, "system", "service", "--time=0", f"unix://{path}"]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Podman]:
    if shutil.which("podman") is None or not Path("/bin/busybox").exists():
        pytest.skip("podman and busybox are not installed")
    # Podman takes no longer path than of 50 characters there.
    with TemporaryDirectory(dir="/tmp") as run:
        yield Podman(tmp_path_factory.mktemp("podman"), Path(run))


def test_podmans_files_name_a_container(podman: Podman):
    found = PodmanStorage(podman.root).container(podman.id)
    assert found == Container(podman.id, name="till", image="localhost/shop:1", image_id=podman.image)
    assert PodmanStorage(podman.root).container(ID) is None


def test_dockers_form_of_answers_names_a_container(podman: Podman, tmp_path: Path):
    place = tmp_path / "docker.sock"
    child = podman.serve(place)
    try:
        end = time.monotonic() + 60
        while not place.is_socket() and time.monotonic() < end:
            assert child.poll() is None
            time.sleep(0.05)
        found = DockerSocket(place).container(podman.id)
        gone = DockerSocket(place).container(ID)
    finally:
        child.kill()
        child.wait()
    image_id = f"sha256:{podman.image}"
    assert found == Container(podman.id, name="till", image="localhost/shop:1", image_id=image_id)
    assert gone is None


def test_where_nothing_is_installed_nothing_is_known(tmp_path: Path):
    assert PodmanStorage(tmp_path).container(ID) is None
    assert DockerSocket(tmp_path / "no.sock").container(ID) is None


@pytest.mark.parametrize("content", [b"", b"no json", b"{}", b'[{"id": 7}]'])
def test_damaged_storage_is_an_error_that_names_the_file(tmp_path: Path, content: bytes):
    place = tmp_path / "var/lib/containers/storage/overlay-containers/containers.json"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    with pytest.raises(SourceError, match=r"overlay-containers/containers\.json"):
        PodmanStorage(tmp_path).container(ID)


def test_storage_that_is_a_pipe_never_blocks(tmp_path: Path):
    place = tmp_path / "var/lib/containers/storage/vfs-containers/containers.json"
    place.parent.mkdir(parents=True)
    os.mkfifo(place)
    with pytest.raises(SourceError, match="cannot read"):
        PodmanStorage(tmp_path).container(ID)


def test_metadata_of_another_form_leaves_the_image_open(tmp_path: Path):
    place = tmp_path / "home/ada/.local/share/containers/storage/overlay-containers/containers.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps([{"id": ID, "names": ["web"], "metadata": "no json"}]))
    assert PodmanStorage(tmp_path).container(ID) == Container(ID, name="web")


@pytest.fixture
def answering(tmp_path: Path) -> Iterator["Answering"]:
    one = Answering(tmp_path / "docker.sock")
    yield one
    one.close()


class Answering:
    """Answers once, with the bytes of ``answer``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answer = b""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            wire, _ = self._socket.accept()
        except OSError:
            return
        with wire:
            wire.recv(4096)
            wire.sendall(self.answer)

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"no http\r\n\r\n",
    ],
)
def test_an_answer_of_another_form_is_an_error(answering: Answering, answer: bytes):
    answering.answer = answer
    with pytest.raises(SourceError, match="Docker at"):
        DockerSocket(answering.path).container(ID)


def test_what_is_no_id_is_never_asked_for(answering: Answering):
    for name in ("web", "../images", ID.upper(), ID + "0"):
        assert DockerSocket(answering.path).container(name) is None
