"""The registry that Debian packages, with htpasswd, spoken to as users do."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from image_archives import docker_archive, layer
from leadline.errors import RegistryError
from leadline.model.package import Package
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.sbom_cache import make_sbom
from leadline.sources.images.resolve import ImageOptions, open_image
from leadline.sources.registry.options import Credential, RegistryOptions, Trust

pytestmark = pytest.mark.slow
LAYERS = (layer({"a.list": b"one two\n"}), layer({"b.list": b"three\n", ".wh.a.list": b""}))


@cataloguer("list", suffixes=(".list",))
def lists(file: File) -> Packages:
    for name in file.text.split():
        yield Package("generic", name, "1")


PUSHED = {
    "1": (),
    "oci": ("--format", "oci"),
    "v2s2": ("--format", "v2s2"),
    "zstd": ("--format", "oci", "--dest-compress", "--dest-compress-format", "zstd"),
}
"""Tags, and how Skopeo is told to push each."""


@contextmanager
def registry(folder: Path, settings: str) -> Iterator[str]:
    """A registry with a configuration to which ``settings`` are added; yields where it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    folder.mkdir()
    (folder / "config.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/blobs}}}}\n"
        f"http: {{addr: '{host}'}}\n{settings}\n"
    )
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log
    )
    try:
        wait_for(host, process)
        yield host
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that holds ``demo`` under each tag of ``PUSHED`` and lets in ``ann``."""
    if not all(map(shutil.which, ("docker-registry", "htpasswd", "skopeo"))):
        pytest.skip("needs docker-registry, htpasswd and skopeo")
    folder = tmp_path_factory.mktemp("registry")
    done = subprocess.run(["htpasswd", "-Bbn", "ann", "s3cret"], check=True, capture_output=True)
    (folder / "users").write_bytes(done.stdout)
    archive = docker_archive(folder / "demo.tar", LAYERS)
    with registry(folder / "own", f"auth: {{htpasswd: {{realm: test, path: {folder}/users}}}}") as host:
        for tag, how in PUSHED.items():
            push(archive, f"{host}/demo:{tag}", how)
        yield host


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that fetches what it is asked for from another, which holds ``demo:1``."""
    if not all(map(shutil.which, ("docker-registry", "skopeo"))):
        pytest.skip("needs docker-registry and skopeo")
    folder = tmp_path_factory.mktemp("mirror")
    with registry(folder / "far", "") as far:
        push(docker_archive(folder / "demo.tar", LAYERS), f"{far}/demo:1", ())
        with registry(folder / "near", f"proxy: {{remoteurl: 'http://{far}'}}") as near:
            yield near


def wait_for(host: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    name, _, port = host.partition(":")
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((name, int(port)), 1).close()
        except OSError:
            os.sched_yield()
        else:
            return
    pytest.fail("the registry did not start")


def push(archive: Path, name: str, how: tuple[str, ...]) -> None:
    command = ["skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-creds", "ann:s3cret", *how]
    subprocess.run([*command, f"docker-archive:{archive}", f"docker://{name}"], check=True, timeout=60)


def options(host: str, credential: Credential | None) -> ImageOptions:
    return ImageOptions(registry=RegistryOptions(Trust(frozenset((host,))), credential))


@pytest.mark.parametrize("tag", PUSHED)
def test_image_is_read_with_credentials(host: str, tag: str) -> None:
    image = open_image(f"{host}/demo:{tag}", options(host, Credential("hand", "ann", "s3cret")))
    sbom = make_sbom(image, lambda _: (lists,))
    assert ([package.name for package in sbom.packages], sbom.unread) == (["three"], ())
    inspect = ["skopeo", "inspect", "--tls-verify=false", "--creds", "ann:s3cret", "--format", "{{.Digest}}"]
    done = subprocess.run(
        [*inspect, f"docker://{host}/demo:{tag}"], check=True, capture_output=True, text=True
    )
    assert sbom.image.digest == done.stdout.strip()


def test_image_is_read_out_of_a_mirror(mirror: str) -> None:
    trust = Trust(frozenset((mirror,)))
    only_mirror = ImageOptions(registry=RegistryOptions(trust, mirrors={"r.example": (mirror,)}))
    sbom = make_sbom(open_image("r.example/demo:1", only_mirror), lambda _: (lists,))
    assert ([package.name for package in sbom.packages], sbom.unread) == (["three"], ())


def test_image_is_refused_without_credentials(host: str) -> None:
    with pytest.raises(RegistryError, match="does not let us read"):
        open_image(f"{host}/demo:1", options(host, Credential("hand", "ann", "wrong")))


def test_absent_image_is_told(host: str) -> None:
    with pytest.raises(RegistryError, match="has no 2 in demo"):
        open_image(f"{host}/demo:2", options(host, Credential("hand", "ann", "s3cret")))
