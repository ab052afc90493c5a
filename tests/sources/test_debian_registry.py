"""The registry that Debian packages, with htpasswd, spoken to as users do."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_archives import docker_archive, layer
from leadline.errors import RegistryError
from leadline.image.cataloguer import File, Package, Packages, cataloguer
from leadline.image.sbom import catalogue_image
from leadline.sources.image_source import ImageOptions, open_image
from leadline.sources.registry_options import Credential, RegistryOptions, Trust

pytestmark = pytest.mark.slow
LAYERS = (layer({"a.list": b"one two\n"}), layer({"b.list": b"three\n", ".wh.a.list": b""}))


@cataloguer("list", suffixes=(".list",))
def lists(file: File) -> Packages:
    for name in file.text.split():
        yield Package("generic", name, "1")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A registry that holds ``demo:1`` and lets in ``ann``."""
    if not all(map(shutil.which, ("docker-registry", "htpasswd", "skopeo"))):
        pytest.skip("needs docker-registry, htpasswd and skopeo")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    done = subprocess.run(["htpasswd", "-Bbn", "ann", "s3cret"], check=True, capture_output=True)
    (folder / "users").write_bytes(done.stdout)
    (folder / "config.yml").write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {folder}/blobs}}}}\nhttp: {{addr: '{host}'}}\n"
        f"auth: {{htpasswd: {{realm: test, path: {folder}/users}}}}\n"
    )
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log
    )
    try:
        wait_for(host, process)
        push(docker_archive(folder / "demo.tar", LAYERS), host)
        yield host
    finally:
        process.terminate()
        process.wait(30)
        log.close()


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


def push(archive: Path, host: str) -> None:
    command = ["skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-creds", "ann:s3cret"]
    subprocess.run([*command, f"docker-archive:{archive}", f"docker://{host}/demo:1"], check=True, timeout=60)


def options(host: str, credential: Credential | None) -> ImageOptions:
    return ImageOptions(registry=RegistryOptions(Trust(frozenset((host,))), credential))


def test_image_is_read_with_credentials(host: str) -> None:
    image = open_image(f"{host}/demo:1", options(host, Credential("hand", "ann", "s3cret")))
    sbom = catalogue_image(image, (lists,))
    assert ([package.name for package in sbom.packages], sbom.unread) == (["three"], ())


def test_image_is_refused_without_credentials(host: str) -> None:
    with pytest.raises(RegistryError, match="does not let us read"):
        open_image(f"{host}/demo:1", options(host, Credential("hand", "ann", "wrong")))


def test_absent_image_is_told(host: str) -> None:
    with pytest.raises(RegistryError, match="has no 2 in demo"):
        open_image(f"{host}/demo:2", options(host, Credential("hand", "ann", "s3cret")))
