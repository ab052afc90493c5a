"""Files, folders and archives of feeds, whole and damaged."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from leadline.errors import UsageError
from leadline.model.unread import Unread
from leadline.sources.feeds.documents import documents
from leadline.vulnerabilities.feed import Document


def zipped(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.json", content)
    return buffer.getvalue()


def tarred(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(f"in/{name}.json")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def read(path: Path) -> list[tuple[str, bytes | str]]:
    return [
        (one.path, one.data) if isinstance(one, Document) else (one.where, one.why)
        for one in documents([path])
    ]


PACKED = [
    ("a.json", lambda content: content),
    ("a.json.gz", gzip.compress),
    ("a.json.bz2", bz2.compress),
    ("a.json.xz", lzma.compress),
    ("a.json.zst", zstandard.compress),
    ("a.json.zst", lambda content: zstandard.compress(content[:3]) + zstandard.compress(content[3:])),
]


@pytest.mark.parametrize(("name", "pack"), PACKED)
def test_a_file_is_read_however_it_is_packed(tmp_path: Path, name: str, pack):
    (tmp_path / name).write_bytes(pack(b'{"id": 1}'))
    assert read(tmp_path / name) == [("a.json", b'{"id": 1}')]


@pytest.mark.parametrize(("name", "pack"), PACKED[1:5])
def test_lines_are_documents_of_their_own(tmp_path: Path, name: str, pack):
    path = tmp_path / name.replace("json", "jsonl")
    path.write_bytes(pack(b'{"id": 1}\n\n{"id": 2}'))
    assert read(path) == [("a.jsonl#1", b'{"id": 1}\n'), ("a.jsonl#3", b'{"id": 2}')]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("all.zip", zipped(one=b"1", two=b"2")),
        ("x.tar", tarred(one=b"1", two=b"2")),
        ("x.tar.gz", gzip.compress(tarred(one=b"1", two=b"2"))),
        ("x.tgz", gzip.compress(tarred(one=b"1", two=b"2"))),
        ("x.tar.zst", zstandard.compress(tarred(one=b"1", two=b"2"))),
        ("x.tar.xz", lzma.compress(tarred(one=b"1", two=b"2"))),
        ("all.zip.gz", gzip.compress(zipped(one=b"1", two=b"2"))),
        ("x.tar", tarred(x=gzip.compress(zipped(one=b"1", two=b"2")))),
    ],
)
def test_members_of_archives_are_documents(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    assert [(path.rpartition("/")[2], data) for path, data in read(tmp_path / name)] == [
        ("one.json", b"1"),
        ("two.json", b"2"),
    ]


def test_a_folder_is_read_by_name_without_hidden_files_and_links(tmp_path: Path):
    folder = tmp_path / "feed"
    for name in ("b/2.json", "a.json", ".git/config", "b/1.json"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / "link.json").symlink_to(folder / "a.json")
    assert [path for path, _ in read(folder)] == ["feed/a.json", "feed/b/1.json", "feed/b/2.json"]


def test_a_path_that_is_not_there_is_the_users_error(tmp_path: Path):
    with pytest.raises(UsageError, match="file or folder not found"):
        list(documents([tmp_path / "missing.zip"]))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.zip", zipped(one=b"1" * 1000)[:60]),
        ("x.json.gz", gzip.compress(bytes(range(256)) * 40)[:200]),
        ("x.json.xz", lzma.compress(bytes(range(256)) * 40)[:100]),
        ("x.json.bz2", bz2.compress(bytes(range(256)) * 40)[:100]),
        ("x.tar.gz", gzip.compress(tarred(one=b"1" * 5000))[:90]),
        ("x.json.zst", zstandard.compress(bytes(range(256)) * 40)[:100]),
        ("x.json.zst", b"\x28\xb5\x2f\xfd" + b"\xff" * 40),
    ],
    # Archives hold the time, and workers have to agree on names.
    ids=["zip", "gz", "xz", "bz2", "tar.gz", "cut zst", "wrong zst"],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, content: bytes):
    (tmp_path / name).write_bytes(content)
    found = [one for one in documents([tmp_path / name]) if isinstance(one, Unread)]
    assert len(found) == 1
    assert "damaged or cut short" in found[0].why


def test_an_archive_within_archives_is_read_only_so_deep(tmp_path: Path):
    content = b"1"
    for _ in range(8):
        content = zipped(inner=content)
    (tmp_path / "x.zip").write_bytes(content)
    ((_, why),) = read(tmp_path / "x.zip")
    assert why == "an archive within an archive, too deep"
