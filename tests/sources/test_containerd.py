import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from image_archives import digest, docker_archive, layer
from leadline.errors import SourceError
from leadline.model.package import Package
from leadline.packages.file import File
from leadline.packages.reference import Reference, read_reference
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.sbom_cache import make_sbom
from leadline.sources.images.boltdb import Bolt, DamagedBolt
from leadline.sources.images.containerd import NAMES, open_containerd_image
from leadline.sources.local_grpc import read_fields, text_field

LAYERS = (layer({"etc/os-release": b"ID=demo\n", "a.list": b"one two\n"}), layer({"b.list": b"three\n"}))


@cataloguer("list", suffixes=(".list",))
def lists(file: File) -> Packages:
    for name in file.text.split():
        yield Package("generic", name, "1")


def reference(text: str) -> Reference:
    found = read_reference(text)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a real containerd that holds ``docker.io/library/demo:1``; its socket is ``sock``."""
    if os.geteuid() != 0 or not shutil.which("containerd") or not shutil.which("ctr"):
        pytest.skip("needs root and containerd")
    folder = tmp_path_factory.mktemp("containerd")
    (folder / "config.toml").write_text(
        f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
        'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
        f'[grpc]\naddress = "{folder}/sock"\n[ttrpc]\naddress = "{folder}/sock.ttrpc"\n'
    )
    log = (folder / "log").open("wb")
    process = subprocess.Popen(["containerd", "-c", str(folder / "config.toml")], stdout=log, stderr=log)
    archive = docker_archive(folder / "demo.tar", LAYERS)
    command = ["ctr", "-a", str(folder / "sock"), "--connect-timeout", "20s", "-n", "k8s.io"]
    try:
        # The socket appears when it is ready; ctr itself waits for the answer.
        deadline = time.monotonic() + 30
        while not (folder / "sock").exists() and process.poll() is None and time.monotonic() < deadline:
            os.sched_yield()
        command += ["images", "import", "--no-unpack", str(archive)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        yield folder
    finally:
        process.terminate()
        process.wait(30)
        log.close()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["sock", "root"])
def test_image_of_containerd_is_read(running: Path, place: str) -> None:
    image = open_containerd_image(reference("demo:1"), None, (running / place,))
    sbom = make_sbom(image, lambda _: (lists,))
    image.close()
    assert [package.name for package in sbom.packages] == ["one", "three", "two"]
    assert (sbom.image.name, sbom.image.platform) == ("docker.io/library/demo:1", "linux/amd64")
    assert sbom.image.layers == tuple(map(digest, LAYERS))
    assert sbom.unread == ()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["sock", "root"])
def test_image_that_containerd_does_not_have_is_an_error(running: Path, place: str) -> None:
    with pytest.raises(SourceError, match=r"containerd has no docker\.io/library/other:latest; looked in"):
        open_containerd_image(reference("other"), None, (running / place,))


@pytest.mark.slow
def test_damaged_names_are_an_error_and_nothing_else(running: Path, tmp_path: Path) -> None:
    good = (running / "root" / NAMES).read_bytes()
    path = tmp_path / "meta.db"
    chance = random.Random(1)
    for _ in range(200):
        harmed = bytearray(good)
        for _ in range(chance.randint(1, 30)):
            harmed[chance.randrange(8192, len(harmed))] = chance.randrange(256)
        path.write_bytes(harmed[: chance.choice((len(harmed), chance.randrange(len(harmed))))])
        file = os.open(path, os.O_RDONLY)
        try:
            database = Bolt(file)
            for namespace in database.buckets(b"v1"):
                list(database.buckets(b"v1", namespace, b"images"))
        except DamagedBolt:
            pass
        finally:
            os.close(file)


def test_absent_containerd_is_an_error_that_names_the_places(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="containerd cannot be reached"):
        open_containerd_image(reference("demo"), None, (tmp_path / "sock", tmp_path / "root"))


@pytest.mark.slow
def test_folder_is_looked_at_where_the_socket_does_not_answer(running: Path, tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(dead))
    places = (tmp_path / "absent", dead, running / "root")
    assert open_containerd_image(reference("demo:1"), None, places).identity.name.endswith("/demo:1")
    with pytest.raises(SourceError) as caught:
        open_containerd_image(reference("other"), None, places)
    assert str(caught.value) == (
        f"containerd has no docker.io/library/other:latest; looked in {running}/root; "
        f"containerd at {dead} does not answer: connection refused"
    )
    with pytest.raises(SourceError, match=f"^containerd at {dead} does not answer: connection refused$"):
        open_containerd_image(reference("demo:1"), None, places[:2])


def test_names_that_are_no_database_are_told(tmp_path: Path) -> None:
    path = tmp_path / NAMES
    path.parent.mkdir(parents=True)
    path.write_bytes(bytes(100_000))
    with pytest.raises(SourceError, match=f"^{path} cannot be read: no bbolt database$"):
        open_containerd_image(reference("demo"), None, (tmp_path,))


def test_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(100_000))
    file = os.open(tmp_path / "x", os.O_RDONLY)
    with pytest.raises(DamagedBolt):
        Bolt(file)
    os.close(file)


def test_messages_are_taken_apart() -> None:
    message = (
        text_field(2, "ü" * 100) + b"\x08\xac\x02" + b"\x2d\1\2\3\4" + b"\x31" + b"8" * 8 + text_field(2, "")
    )
    assert read_fields(message) == {
        2: ["ü".encode() * 100, b""],
        1: [300],
        5: [b"\1\2\3\4"],
        6: [b"8" * 8],
    }


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60))
def test_random_messages_end_in_fields_or_an_error(message: bytes) -> None:
    with suppress(SourceError):
        assert all(values for values in read_fields(message).values())
