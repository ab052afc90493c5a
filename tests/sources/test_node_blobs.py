"""Images out of the folder of a node's blobs, which is laid out like that of an OCI layout."""

import os
from pathlib import Path

import pytest

from image_archives import Blobs, layer, write_files
from leadline.errors import SourceError
from leadline.sources.images.node_blobs import open_node_image

LAYERS = (layer({"etc/os-release": b"ID=demo\n"}), layer({"a": b"1"}))


def node(folder: Path, blobs: Blobs) -> Path:
    files = {name: content for name, content in blobs.files([]).items() if name.startswith("blobs/")}
    return write_files(folder, files) / "blobs"


@pytest.mark.parametrize("kind", ["manifest", "index", "id"])
def test_an_image_is_found_by_its_manifest_its_index_and_its_id(kind: str, tmp_path: Path) -> None:
    blobs = Blobs()
    manifest = blobs.image(LAYERS)
    platform = {"os": "linux", "architecture": {"x86_64": "amd64"}.get(os.uname().machine, "arm64")}
    index = blobs.index([{**manifest, "platform": platform}])
    id = next(name for name, media in blobs.types.items() if media.endswith("config.v1+json"))
    wanted = str({"manifest": manifest["digest"], "index": index["digest"], "id": id}[kind])
    image = open_node_image(node(tmp_path, blobs), wanted, "quay.io/app:1", None, is_id=kind == "id")
    assert (image.identity.id, image.identity.digest) == (id, manifest["digest"])
    assert [one.missing for one in image.layers] == ["", ""]
    with image.layers[0].open() as reader:
        assert [entry.path for entry in reader] == ["etc/os-release"]


def test_an_image_that_the_node_has_only_in_part_is_refused(tmp_path: Path) -> None:
    blobs = Blobs()
    manifest = str(blobs.image(LAYERS)["digest"])
    lost = next(name for name, media in blobs.types.items() if "layer" in media)
    folder = node(tmp_path, blobs)
    (folder / lost.replace(":", "/")).unlink()
    with pytest.raises(SourceError, match="has not all of"):
        open_node_image(folder, manifest, "quay.io/app:1", None)


@pytest.mark.parametrize("digest", ["sha256:" + "0" * 64, "sha256:../../../etc/passwd", "", "sha256"])
@pytest.mark.parametrize("is_id", [True, False])
def test_what_is_not_there_or_no_digest_is_refused(digest: str, is_id: bool, tmp_path: Path) -> None:
    blobs = Blobs()
    blobs.image(LAYERS)
    with pytest.raises(SourceError):
        open_node_image(node(tmp_path, blobs), digest, "app", None, is_id=is_id)


def test_a_folder_that_is_not_mounted_is_said() -> None:
    with pytest.raises(SourceError, match="not at /nowhere"):
        open_node_image(Path("/nowhere"), "sha256:" + "0" * 64, "app", None)


def test_a_manifest_that_another_process_forged_is_not_believed(tmp_path: Path) -> None:
    blobs = Blobs()
    manifest = str(blobs.image(LAYERS)["digest"])
    folder = node(tmp_path, blobs)
    (folder / manifest.replace(":", "/")).write_bytes(b'{"schemaVersion":2,"layers":[],"config":{}}')
    with pytest.raises(SourceError, match="damaged"):
        open_node_image(folder, manifest, "app", None)
