import json
from pathlib import Path

import pytest

from image_archives import Blobs, layer
from leadline.model.vulnerability import FeedDate
from leadline.scans.options import ImageOptions, PostureOptions
from leadline.scans.workspace.images import ImageCounts, NamedImage, images_of
from leadline.scans.workspace.workspace import Asked, Workspace
from registry_server import Server, serving
from vulnerabilities.matching.made_database import advisory, build_of

DEBIAN = {
    "etc/os-release": b'ID=debian\nVERSION_ID="12"\n',
    "var/lib/dpkg/status": b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\nArchitecture: amd64\nSource: glibc\n",
}
FACTS = [
    advisory("CVE-2024-1000", "Debian:12", "glibc", fixed="2.36-9+deb12u7", severity="high"),
    advisory("CVE-2024-1001", "Debian:12", "glibc", fixed="2.36-9+deb12u8", severity="low"),
    FeedDate("2026-06-30"),
]
POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers:\n  - name: web\n    image: shop/web:1\n"


def test_images_are_named_with_their_lines_while_the_text_can_be_read(tmp_path: Path):
    file = tmp_path / "pod.yaml"
    file.write_text(POD)
    space = Workspace(str(tmp_path), Asked(PostureOptions()))
    assert list(images_of(space, str(file))) == [NamedImage(7, "shop/web:1")]
    space.show(str(file), f"# above\n{POD}")
    assert list(images_of(space, str(file))) == [NamedImage(8, "shop/web:1")]
    space.show(str(file), f"{POD}    x: [\n")
    assert list(images_of(space, str(file))) == []
    assert list(images_of(space, str(tmp_path / "other.yaml"))) == []


def test_an_image_is_counted_when_it_is_asked_for(tmp_path: Path):
    build_of(tmp_path / "v.db", {"debian": FACTS})
    server = Server(blobs=Blobs())
    server.tags["shop/web:1"] = str(server.blobs.image([layer(DEBIAN)])["digest"])
    with serving(server) as running:
        options = ImageOptions(
            database=str(tmp_path / "v.db"),
            is_named_by_others=True,
            mirrors={"registry.example": (running.host,)},
        )
        counts = ImageCounts(options)
        name = "registry.example/shop/web:1"
        assert counts.known(name) == ""
        assert counts.count(name) == "1 high, 1 other; 2 of 2 have a fix"
        assert counts.known(name) == "1 high, 1 other; 2 of 2 have a fix"
        assert counts.count("registry.example/shop/gone:1").startswith("not scanned: ")


@pytest.mark.parametrize("name", ["/etc/passwd", "./image.tar", "a b", "registry:x:y:z", "127.0.0.1:1/x:1"])
def test_what_a_manifest_names_is_no_file_and_no_host_of_this_machine(tmp_path: Path, name: str):
    build_of(tmp_path / "v.db", {"debian": FACTS})
    options = ImageOptions(database=str(tmp_path / "v.db"), is_named_by_others=True)
    assert ImageCounts(options).count(name).startswith("not scanned: "), json.dumps(name)
