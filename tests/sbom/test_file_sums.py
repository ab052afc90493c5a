"""A list of files is believed only where its checksum is the file's: one line in it must not take a package from its ecosystem."""

import base64
from hashlib import md5, sha1
from pathlib import Path

import pytest

from leadline.scans.images.image_scan import image_scan
from leadline.scans.options import ImageOptions

METADATA = b"Metadata-Version: 2.1\nName: Django\nVersion: 3.2.0\n"
PLACE = "usr/lib/python3/dist-packages/Django-3.2.0.dist-info/METADATA"
STATUS = (
    "Package: base-files\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nMaintainer: Debian\n"
)


def write(root: Path, path: str, content: bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)


def owner(root: Path) -> str:
    write(root, PLACE, METADATA)
    packages = image_scan(f"dir:{root}", ImageOptions()).sbom.packages
    return next(one.owned_by for one in packages if one.name == "Django")


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        (f"{md5(METADATA).hexdigest()}  {PLACE}\n", "base-files"),
        (f"{'0' * 32}  {PLACE}\n", ""),
        (f"{'0' * 32}  usr/share/other\n", ""),
        ("", ""),
    ],
)
def test_the_list_of_dpkg(tmp_path: Path, sums: str, expected: str):
    write(tmp_path, "etc/os-release", b"ID=debian\nVERSION_ID=12\n")
    write(tmp_path, "var/lib/dpkg/status", STATUS.encode())
    write(tmp_path, "var/lib/dpkg/info/base-files.list", f"/.\n/{PLACE}\n".encode())
    write(tmp_path, "var/lib/dpkg/info/base-files.md5sums", sums.encode())
    assert owner(tmp_path) == expected


@pytest.mark.parametrize(("content", "expected"), [(METADATA, "musl"), (b"another", "")])
def test_the_list_of_apk(tmp_path: Path, content: bytes, expected: str):
    digest = base64.b64encode(sha1(content).digest()).decode()
    folder, _, name = PLACE.rpartition("/")
    text = f"P:musl\nV:1.2.5-r0\nA:x86_64\nF:{folder}\nR:{name}\nZ:Q1{digest}\n\n"
    write(tmp_path, "etc/os-release", b"ID=alpine\nVERSION_ID=3.20.0\n")
    write(tmp_path, "lib/apk/db/installed", text.encode())
    assert owner(tmp_path) == expected
