"""The container image: what is in it, and that the same sources give the same bytes."""

import base64
import io
import json
import re
import subprocess
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from leadline_image import ROOT, build, signing_key

pytestmark = pytest.mark.slow

_PIN = re.compile(r"^([\w.-]+)==(\S+)", re.MULTILINE)
_NAME = re.compile(r"^[\w.-]+")
SBOM = "usr/share/leadline/sbom.cdx.json"


class Image:
    """An OCI archive, taken apart."""

    def __init__(self, archive: Path) -> None:
        with tarfile.open(archive) as tar:
            self._blobs = {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}  # type: ignore[union-attr]
        top = json.loads(self._blobs["index.json"])["manifests"][0]
        self.digest = top["digest"]
        manifest = self._json(self.digest)
        self.settings: dict[str, Any] = self._json(manifest["config"]["digest"])["config"]
        self.bytes = sum(layer["size"] for layer in manifest["layers"])
        self.entries: dict[str, tarfile.TarInfo] = {}
        self.contents: dict[str, bytes] = {}
        self._layers = [part["digest"] for part in manifest["layers"]]
        for part in manifest["layers"]:
            with tarfile.open(fileobj=io.BytesIO(self._blob(part["digest"]))) as tar:
                for entry in tar.getmembers():
                    self.entries[entry.name] = entry
                    if entry.isfile() and entry.name.startswith(SBOM):
                        self.contents[entry.name] = tar.extractfile(entry).read()  # type: ignore[union-attr]

    def libraries(self) -> Iterator[tuple[str, bytes]]:
        """Every ELF file that is linked dynamically or could be."""
        for digest in self._layers:
            with tarfile.open(fileobj=io.BytesIO(self._blob(digest))) as tar:
                for entry in tar.getmembers():
                    if entry.isfile() and (content := tar.extractfile(entry).read()).startswith(b"\x7fELF"):  # type: ignore[union-attr]
                        yield entry.name, content

    def _blob(self, digest: str) -> bytes:
        return self._blobs[f"blobs/{digest.replace(':', '/')}"]

    def _json(self, digest: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._blob(digest))
        return found


@pytest.fixture(scope="module")
def image(archive: Path) -> Image:
    return Image(archive)


@pytest.mark.nightly("installs")
def test_the_same_sources_and_key_give_the_same_bytes(image: Image, tmp_path: Path):
    assert build(tmp_path / "again.tar", f"--key={signing_key()}") == image.digest


def test_it_runs_as_no_one_and_writes_nothing(image: Image):
    assert image.settings["User"] == "65532:65532"
    writable = [
        name
        for name, entry in image.entries.items()
        if not entry.issym()
        and (entry.mode & 0o002 or entry.mode & 0o6000)
        and name not in ("tmp", "var/tmp")
    ]
    assert writable == []
    assert {entry.uid for entry in image.entries.values()} == {0}


def test_nothing_is_in_it_that_an_intruder_could_use(image: Image):
    programs = {name.rpartition("/")[2] for name in image.entries if name.startswith(("usr/bin/", "bin/"))}
    assert not programs & {"sh", "bash", "dash", "perl", "curl", "wget", "apt", "dpkg", "pip", "su", "mount"}
    # 11 MiB of it are the engine of rules in CEL.
    assert image.bytes < 57 * 2**20


def test_every_library_finds_those_that_it_is_linked_with(image: Image, tmp_path: Path):
    """A wheel brings a library, and Debian what it needs: without that it cannot be loaded, which only its use shows."""
    names = {name.rpartition("/")[2] for name in image.entries}
    missing: dict[str, list[str]] = {}
    for name, content in image.libraries():
        file = tmp_path / "library"
        file.write_bytes(content)
        shown = subprocess.run(["readelf", "-dW", file], capture_output=True, text=True, check=True).stdout
        if lacking := sorted(set(re.findall(r"NEEDED\).*\[(.+)\]", shown)) - names):
            missing[name] = lacking
    assert missing == {}


def test_its_sbom_names_all_that_is_locked_and_is_signed(image: Image):
    document = image.contents[SBOM]
    public = serialization.load_pem_public_key(image.contents[f"{SBOM}.pub"])
    assert isinstance(public, Ed25519PublicKey)
    public.verify(base64.b64decode(image.contents[f"{SBOM}.sig"]), document)
    named = {(part["name"].lower(), part.get("version")) for part in json.loads(document)["components"]}
    locked = [line for line in (ROOT / "requirements-image.lock").read_text().splitlines() if "==" in line]
    always = {line.split(" \\")[0] for line in locked if ";" not in line}
    assert {tuple(pin.split("==")) for pin in always} <= {
        (n.replace("_", "-").replace(".", "-"), v) for n, v in named
    }
    assert "libssl3" in {name for name, _ in named}


def test_the_lock_holds_what_is_tested_and_all_that_the_programs_need():
    def pins(name: str) -> dict[str, str]:
        return dict(_PIN.findall((ROOT / name).read_text("utf-8")))

    image, every = pins("requirements-image.lock"), pins("requirements.lock")
    assert {name: version for name, version in image.items() if every.get(name) != version} == {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["cluster"]]
    assert [one for one in wanted if _NAME.findall(one)[0].lower() not in image] == []
