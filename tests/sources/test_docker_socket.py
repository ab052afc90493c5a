"""Images of a daemon: one that answers as the API's documentation says, and Podman where it is installed."""

import json
import os
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from image_archives import digest, docker_archive, layer
from leadline.errors import SourceError, UsageError
from leadline.model.package import Package, Sbom
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.sbom_cache import make_sbom
from leadline.sources.images.cache import LayerCache
from leadline.sources.images.docker import daemon_has, open_daemon_image, sockets
from leadline.sources.images.resolve import ImageOptions, open_image
from leadline.sources.registry.options import RegistryOptions

LAYERS = (layer({"etc/os-release": b"ID=demo\n", "a.list": b"one two\n"}), layer({"b.list": b"three\n"}))


@cataloguer("list", suffixes=(".list",))
def lists(file: File) -> Packages:
    for name in file.text.split():
        yield Package("generic", name, "1")


def scan(name: str, options: ImageOptions, cache: LayerCache | None = None) -> Sbom:
    image = open_image(name, options)
    try:
        return make_sbom(image, lambda _: (lists,), cache)
    finally:
        image.close()


def names(sbom: Sbom) -> list[str]:
    return [package.name for package in sbom.packages]


class Daemon(BaseHTTPRequestHandler):
    description: bytes
    export: bytes | None
    asked: list[str]
    refusal: tuple[int, bytes] = (404, b"")

    def log_message(self, *_: object) -> None: ...

    def do_GET(self) -> None:
        self.asked.append(self.path)
        status, said = self.refusal
        content = {"/images/demo:1/json": self.description, "/images/sha256:abc/get": self.export}.get(
            self.path
        )
        self.send_response(200 if content is not None else status)
        self.end_headers()
        self.wfile.write(said if content is None else content)


@contextmanager
def daemon(path: Path, export: bytes | None, refusal: tuple[int, bytes] = (404, b"")) -> Iterator[list[str]]:
    described = {
        "Id": "sha256:abc",
        "RepoTags": ["demo:1"],
        "RepoDigests": ["demo@sha256:def"],
        "Os": "linux",
        "Architecture": "arm64",
        "Config": {"User": "7"},
        "RootFS": {"Type": "layers", "Layers": [digest(one) for one in LAYERS]},
    }

    class Handler(Daemon):
        description = json.dumps(described).encode()

    Handler.export, Handler.asked, Handler.refusal = export, [], refusal

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that hangs up is part of the tests."""

        def get_request(self) -> tuple[object, tuple[str, int]]:
            return self.socket.accept()[0], ("local", 0)

    server = Server(str(path), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Handler.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_image_of_a_daemon_is_exported_once_and_never_for_a_second_scan(tmp_path: Path) -> None:
    export = docker_archive(tmp_path / "a.tar", LAYERS).read_bytes()
    options = ImageOptions(registry=RegistryOptions(environ={"DOCKER_HOST": f"unix://{tmp_path}/sock"}))
    cache = LayerCache(tmp_path / "cache")
    with daemon(tmp_path / "sock", export) as asked:
        first = scan("docker:demo:1", options, cache)
        assert asked == ["/images/demo:1/json", "/images/sha256:abc/get"]
        second = scan("docker:demo:1", options, cache)
        assert asked[2:] == ["/images/demo:1/json"]
        with pytest.raises(SourceError, match="no daemon here has other"):
            scan("docker:other", options)
    assert names(first) == names(second) == ["one", "three", "two"]
    assert (first.image.digest, first.image.platform, first.config.user) == ("sha256:def", "linux/arm64", "7")


def exported(folder: Path) -> bytes:
    return docker_archive(folder / "a.tar", LAYERS).read_bytes()


def test_socket_where_nobody_listens_is_no_reason_to_ask_no_other(tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(dead))
    (tmp_path / "file").write_bytes(b"")
    places = (tmp_path / "absent", tmp_path / "file" / "below", dead, tmp_path / "file", tmp_path / "sock")
    with daemon(tmp_path / "sock", exported(tmp_path)):
        assert open_daemon_image("demo:1", places).identity.id == "sha256:abc"
        with pytest.raises(SourceError) as caught:
            open_daemon_image("other", places)
    refused = "does not answer: connection refused"
    assert str(caught.value) == (
        f"no daemon here has other; asked {tmp_path}/sock; {dead} {refused}; {tmp_path}/file {refused}"
    )
    with pytest.raises(SourceError, match=f"^{dead} {refused}$"):
        open_daemon_image("demo:1", places[:3])


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (b'{"message": "invalid reference format"}', "invalid reference format"),
        (b'{"message": 5}', "status 500"),
        (b'{"message": "\xff"}', "status 500"),
        (b"<html>", "status 500"),
        (b"[" * 100_000, "status 500"),
    ],
)
def test_daemon_that_refuses_is_quoted(tmp_path: Path, said: bytes, told: str) -> None:
    place = tmp_path / "sock"
    with daemon(place, None, (500, said)):
        with pytest.raises(SourceError, match=f"^{place} does not know Demo: {told}$"):
            open_daemon_image("Demo", (place,))
        image = open_daemon_image("demo:1", (place,))
        with pytest.raises(SourceError, match=f"^{place} does not export sha256:abc: {told}$"):
            make_sbom(image, lambda _: (lists,))
        image.close()


def test_export_that_no_folder_has_room_for_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    with daemon(tmp_path / "sock", exported(tmp_path)):
        image = open_daemon_image("demo:1", (tmp_path / "sock",))
        with pytest.raises(SourceError) as caught:
            make_sbom(image, lambda _: (lists,))
    assert str(caught.value) == (
        "no place for the export of sha256:abc: no such file or directory; name a folder with more room in TMPDIR"
    )


@pytest.mark.parametrize("name", ["", "//registry.example/demo:1", "/demo", "../containers/json"])
def test_name_that_is_none_is_not_asked_for(tmp_path: Path, name: str) -> None:
    with (
        daemon(tmp_path / "sock", None) as asked,
        pytest.raises(UsageError, match="not an image of a daemon"),
    ):
        open_daemon_image(name, (tmp_path / "sock",))
    assert asked == []


def test_own_engine_is_asked_first() -> None:
    environ = {
        "DOCKER_HOST": "unix:///d.sock",
        "CONTAINER_HOST": "unix:///p.sock",
        "XDG_RUNTIME_DIR": "/run/user/7",
    }
    docker = ["/var/run/docker.sock", "/run/user/7/docker.sock"]
    podman = ["/run/user/7/podman/podman.sock", "/run/podman/podman.sock"]
    assert list(map(str, sockets(environ, "docker"))) == ["/d.sock", *docker, *podman]
    assert list(map(str, sockets(environ, "podman"))) == ["/p.sock", *podman, *docker]


@pytest.mark.parametrize(("scheme", "variable"), [("docker", "DOCKER_HOST"), ("podman", "CONTAINER_HOST")])
def test_daemon_elsewhere_is_not_taken_for_the_one_here(scheme: str, variable: str) -> None:
    options = ImageOptions(registry=RegistryOptions(environ={variable: "ssh://ann@far.example"}))
    with pytest.raises(UsageError) as caught:
        open_image(f"{scheme}:demo:1", options)
    assert str(caught.value) == (
        f"{variable} names a daemon that is not asked: only sockets on this machine are; "
        "unset it, or save the image there: docker save IMAGE -o image.tar"
    )


@pytest.fixture(scope="module")
def podman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The socket of a real Podman that holds ``localhost/demo:1``."""
    if os.geteuid() != 0 or not shutil.which("podman"):
        pytest.skip("needs root and podman")
    folder = tmp_path_factory.mktemp("podman")
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/graph"\n'
    )
    environ = {**os.environ, "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf")}
    archive = docker_archive(folder / "demo.tar", LAYERS, ("localhost/demo:1",), User="7")
    subprocess.run(["podman", "load", "-q", "-i", str(archive)], env=environ, check=True, timeout=60)
    place = folder / "sock"
    log = (folder / "log").open("wb")
    command = ["podman", "system", "service", "-t", "0", f"unix://{place}"]
    process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not place.exists() and process.poll() is None and time.monotonic() < deadline:
            os.sched_yield()
        yield place
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["demo:1", "localhost/demo:1"])
def test_image_of_podman_is_read(podman: Path, name: str) -> None:
    image = open_daemon_image(name, (podman,))
    sbom = make_sbom(image, lambda _: (lists,))
    image.close()
    assert (names(sbom), sbom.unread) == (["one", "three", "two"], ())
    assert (sbom.image.platform, sbom.config.user) == ("linux/amd64", "7")
    assert sbom.image.layers == tuple(map(digest, LAYERS))


@pytest.mark.slow
def test_image_that_podman_does_not_have_is_an_error(podman: Path) -> None:
    with pytest.raises(SourceError, match=f"^no daemon here has other; asked {podman}$"):
        open_daemon_image("other", (podman,))
    with pytest.raises(SourceError, match=r"does not know Demo: .*must be lowercase"):
        open_daemon_image("Demo", (podman,))


def test_whether_a_daemon_has_an_image_is_asked_of_each_that_answers(tmp_path: Path) -> None:
    with daemon(tmp_path / "sock", None):
        places = (tmp_path / "none", tmp_path / "sock")
        assert daemon_has("demo:1", places)
        assert not daemon_has("demo:2", places)
    assert not daemon_has("demo:1", (tmp_path / "none",))
