"""A list of files is believed only where its checksum is the file's: one line in it must not take a package from its ecosystem."""

import base64
import gzip
import io
import json
import struct
import zipfile
from collections.abc import Callable
from hashlib import md5, sha1, sha256
from pathlib import Path

import pytest
import zstandard
from go_executables import SECTION, elf, inline
from hypothesis import given, settings
from hypothesis import strategies as st
from rpm_blobs import header, sqlite

from image_archives import docker_archive, layer
from leadline.packages.file import File
from leadline.sbom.listed_sums import _of_apk, _of_chisel, _of_dpkg, _of_mtree
from leadline.sbom.parsers.executable_excerpt import SMALLEST
from leadline.scans.images.image_scan import image_scan
from leadline.scans.options import ImageOptions


def jar(padding: int = 0) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("padding", bytes(padding))
        properties = "groupId=org.example\nartifactId=victim\nversion=2.14.1\n"
        archive.writestr("META-INF/maven/org.example/victim/pom.properties", properties)
    return content.getvalue()


GO_LINES = "path\tvictim\nmod\tvictim\tv1.0.0\t\n"
FILES = {
    "pypi": ("usr/lib/python3/dist-packages/victim-3.2.0.dist-info/METADATA", b"Metadata-Version: 2.1\nName: victim\nVersion: 3.2\n"),
    "npm": ("usr/share/nodejs/victim/package.json", b'{"name":"victim","version":"0.0.8"}'),
    "maven": ("usr/share/java/victim.jar", jar()),
    "gem": (
        "usr/share/gems/specifications/victim-1.0.0.gemspec",
        b'Gem::Specification.new do |s|\n  s.name = "victim".freeze\n  s.version = "1.0.0"\nend\n',
    ),
    "golang": ("usr/bin/victim", elf({SECTION: inline(GO_LINES)})),
    "application": ("usr/src/app/victim/package.json", b'{"name":"victim","version":"0.0.8"}'),
    "large maven": ("opt/app/lib/victim.jar", jar(1 << 17)),
    "large golang": ("srv/victim", elf({SECTION: inline(GO_LINES), ".rest": bytes(1 << 17)})),
}  # fmt: skip
"""By type of the package, which is called victim: where its description is, and that. Large ones at such places are summed late."""
Lists = Callable[[Path, str, bytes, str], None]
"""Writes a database that names a file: root, path, content, and whether with the ``right`` sum, a ``false`` one or ``none``."""


def write(root: Path, path: str, content: bytes) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_bytes(content)


def digest(content: bytes, which: str, algorithm: Callable[[bytes], "object"]) -> bytes:
    found: bytes = algorithm(content if which == "right" else b"another").digest()  # type: ignore[attr-defined]
    return b"" if which == "none" else found


STATUS = "Package: owner\nStatus: install ok installed\nVersion: 1\nArchitecture: amd64\nMaintainer: Debian\n"


def of_dpkg(root: Path, path: str, content: bytes, which: str) -> None:
    write(root, "etc/os-release", b"ID=debian\nVERSION_ID=12\n")
    write(root, "var/lib/dpkg/status", STATUS.encode())
    write(root, "var/lib/dpkg/info/owner.list", f"/.\n/{path}\n".encode())
    if which != "none":
        line = f"{digest(content, which, md5).hex()}  {path}\n"
        write(root, "var/lib/dpkg/info/owner.md5sums", line.encode())


def of_distroless(root: Path, path: str, content: bytes, which: str) -> None:
    write(root, "etc/os-release", b"ID=debian\nVERSION_ID=12\n")
    write(root, "var/lib/dpkg/status.d/owner", STATUS.replace("Status: install ok installed\n", "").encode())
    write(
        root,
        "var/lib/dpkg/status.d/owner.md5sums",
        f"{digest(content, which, md5).hex()}  {path}\n".encode(),
    )


def of_apk(root: Path, path: str, content: bytes, which: str) -> None:
    folder, _, name = path.rpartition("/")
    told = f"Z:Q1{base64.b64encode(digest(content, which, sha1)).decode()}\n" if which != "none" else ""
    write(root, "etc/os-release", b"ID=alpine\nVERSION_ID=3.20.0\n")
    text = f"P:owner\nV:1.2.5-r0\nA:x86_64\nF:{folder}\nR:{name}\n{told}\n"
    write(root, "lib/apk/db/installed", text.encode())


def of_rpm(root: Path, path: str, content: bytes, which: str) -> None:
    folder, _, name = path.rpartition("/")
    blob = header(
        {
            **{1000: "owner", 1001: "1.0", 1002: "1", 1030: [0o100644], 1035: [digest(content, which, sha256).hex()]},
            **{1116: [0], 1117: [name], 1118: [f"/{folder}/"], 5011: [8]},
        }
    )  # fmt: skip
    table = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
    place = root.parent / f"{root.name}.sqlite"
    write(
        root,
        "var/lib/rpm/rpmdb.sqlite",
        sqlite(place, [table, f"INSERT INTO Packages (blob) VALUES (x'{blob.hex()}')"]),
    )
    write(root, "etc/os-release", b"ID=rhel\nVERSION_ID=9.4\n")


def of_pacman(root: Path, path: str, content: bytes, which: str) -> None:
    folder = "var/lib/pacman/local/owner-1-1"
    write(root, "etc/os-release", b"ID=arch\n")
    write(root, f"{folder}/desc", b"%NAME%\nowner\n\n%VERSION%\n1-1\n\n%ARCH%\nx86_64\n\n")
    write(root, f"{folder}/files", f"%FILES%\n{path}\n".encode())
    told = f" sha256digest={digest(content, which, sha256).hex()}" if which != "none" else ""
    write(root, f"{folder}/mtree", gzip.compress(f"#mtree\n./{path} time=1.0 mode=644{told}\n".encode()))


def of_chisel(root: Path, path: str, content: bytes, which: str) -> None:
    line: dict[str, object] = {"kind": "path", "path": f"/{path}", "mode": "0644", "slices": ["owner_bins"]}
    if which != "none":
        line["sha256"] = digest(content, which, sha256).hex()
    lines = [
        {"jsonwall": "1.0", "schema": "1.0", "count": 3},
        {"kind": "package", "name": "owner", "version": "1", "sha256": "00", "arch": "amd64"},
        line,
    ]
    text = "".join(json.dumps(one) + "\n" for one in lines)
    write(root, "etc/os-release", b"ID=ubuntu\nVERSION_ID=24.04\n")
    write(root, "var/lib/chisel/manifest.wall", zstandard.ZstdCompressor().compress(text.encode()))


LISTS: tuple[Lists, ...] = (of_dpkg, of_distroless, of_apk, of_rpm, of_pacman, of_chisel)


def owner_of_victim(root: Path) -> str:
    packages = image_scan(f"dir:{root}", ImageOptions()).sbom.packages
    assert "owner" in {one.name for one in packages}
    return next(one.owned_by for one in packages if one.name == "victim")


@pytest.mark.parametrize("which", ["right", "false", "none"])
@pytest.mark.parametrize("lists", LISTS, ids=lambda lists: str(lists.__name__))
@pytest.mark.parametrize("kind", FILES)
def test_a_list_takes_a_package_only_by_the_right_checksum(
    tmp_path: Path, kind: str, lists: Lists, which: str
):
    path, content = FILES[kind]
    root = tmp_path / "root"
    write(root, path, content)
    lists(root, path, content, which)
    assert owner_of_victim(root) == ("owner" if which == "right" else "")


@pytest.mark.parametrize("which", ["right", "false"])
@pytest.mark.parametrize("lists", LISTS, ids=lambda lists: str(lists.__name__))
@pytest.mark.parametrize("kind", ["maven", "pypi", "golang"])
def test_where_apt_is_every_list_is_believed_by_its_own_checksum(
    tmp_path: Path, kind: str, lists: Lists, which: str
):
    path, content = FILES[kind]
    root = tmp_path / "root"
    write(root, "etc/apt/sources.list", b"")
    write(root, path, content)
    lists(root, path, content, which)
    assert owner_of_victim(root) == ("owner" if which == "right" else "")


@pytest.mark.parametrize("which", ["right", "false"])
@pytest.mark.parametrize("path", ["usr/bin/victim", "opt/victim"])
def test_a_large_program_of_go_is_summed_while_its_code_is_passed_over(tmp_path: Path, path: str, which: str):
    note = b"\x04\0\0\0\x04\0\0\0\x04\0\0\0Go\0\0abcd"
    content = elf({SECTION: inline(GO_LINES), ".note": note, ".rest": bytes(SMALLEST)})  # fmt: skip
    write(tmp_path / "root", path, content)
    of_dpkg(tmp_path / "root", path, content, which)
    assert owner_of_victim(tmp_path / "root") == ("owner" if which == "right" else "")


@pytest.mark.parametrize("which", ["right", "false"])
def test_a_large_program_of_a_distribution_is_not_judged_as_its_maker_s(tmp_path: Path, which: str):
    path = "usr/lib/x86_64-linux-gnu/libnode.so.108"
    # Code, which is passed over, and read-only texts.
    segments = ((5, 0, SMALLEST), (4, SMALLEST, 4096))
    head = struct.pack(
        "<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 3, 62, 1, 0, 64, 0, 0, 64, 56, 2, 64, 0, 0
    )
    table = b"".join(
        struct.pack("<IIQQQQQQ", 1, flags, at, at, at, size, size, 4096) for flags, at, size in segments
    )
    content = (head + table).ljust(SMALLEST, b"\0") + b"\0node.js/v18.20.4\0".ljust(4096, b"\0")
    write(tmp_path / "root", path, content)
    of_dpkg(tmp_path / "root", path, content, which)
    packages = image_scan(f"dir:{tmp_path / 'root'}", ImageOptions()).sbom.packages
    (node,) = (one for one in packages if one.name == "node")
    assert (node.version, node.owned_by) == ("18.20.4", "owner" if which == "right" else "")


@pytest.mark.parametrize(
    "place", ["usr/local/lib/node_modules/victim/package.json", "app/victim/package.json"]
)
def test_where_no_distribution_puts_files_no_list_is_believed(tmp_path: Path, place: str):
    content = FILES["npm"][1]
    write(tmp_path / "root", place, content)
    of_dpkg(tmp_path / "root", place, content, "right")
    assert owner_of_victim(tmp_path / "root") == ""


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_large_file_of_a_layer_below_is_summed_where_a_list_names_it(tmp_path: Path, is_listed: bool):
    path, content = FILES["large maven"]
    lists = tmp_path / "lists"
    of_dpkg(lists, path, content, "right" if is_listed else "none")
    above = {str(one.relative_to(lists)): one.read_bytes() for one in lists.rglob("*") if one.is_file()}
    saved = docker_archive(tmp_path / "saved.tar", [layer({path: content}), layer(above)])
    packages = image_scan(saved, ImageOptions()).sbom.packages
    assert next(one.owned_by for one in packages if one.name == "victim") == ("owner" if is_listed else "")


def test_the_list_of_another_package_proves_nothing(tmp_path: Path):
    path, content = FILES["npm"]
    write(tmp_path / "root", path, content)
    of_dpkg(tmp_path / "root", path, content, "none")
    line = f"{md5(content).hexdigest()}  {path}\n"
    write(tmp_path / "root", "var/lib/dpkg/info/other.md5sums", line.encode())
    assert owner_of_victim(tmp_path / "root") == ""


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=300), st.text(alphabet='FRZ:Q12= \n\\01adk{}"', max_size=200).map(str.encode)
    )
)
def test_whatever_a_list_holds_it_is_read(content: bytes):
    for read in (_of_dpkg, _of_apk, _of_chisel):
        assert all(isinstance(found, bytes) for _, (_, found) in read(File("x", content)))
    for packed in (content, gzip.compress(content)):
        assert all(isinstance(found, bytes) for _, (_, found) in _of_mtree(packed))
