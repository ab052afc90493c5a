import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from image_archives import write_files
from leadline.model.package import Package
from leadline.model.unread import Unread
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, cataloguer
from leadline.sbom.layers.file_selector import FileSelector
from leadline.sbom.layers.scan import facts_of
from leadline.sbom.layers.scan_options import LayerScanOptions
from leadline.sbom.layers.tar import TarEntry
from leadline.sources.images import directory as image_folder
from leadline.sources.images.directory import open_image_folder


@cataloguer("list", suffixes=(".list",))
def lists(file: File) -> Packages:
    for name in file.text.split():
        yield Package("generic", name, "1")


def found(folder: Path) -> tuple[list[str], list[Unread]]:
    image = open_image_folder(folder)
    facts = facts_of(LayerScanOptions(FileSelector((lists,))), image.layers[0])
    image.close()
    packages = [package.name for one in facts.facts.values() for package in one.packages]
    return packages, [*facts.unread, *(unread for one in facts.facts.values() for unread in one.unread)]


def entries(folder: Path) -> Iterator[TarEntry]:
    """Each entry, before the next one is looked for."""
    image = open_image_folder(folder)
    with image.layers[0].open() as reader:
        for one in reader:
            yield one
            if one.kind == "file":
                reader.content()
    image.close()


def test_names_of_whiteouts_are_files_like_others_in_a_folder(tmp_path: Path) -> None:
    write_files(
        tmp_path, {".wh.a.list": b"one", ".wh..wh..opq": b"", "d/.wh..wh.b.list": b"two", "a.list": b"3"}
    )
    assert found(tmp_path) == (["one", "3", "two"], [])


@pytest.mark.parametrize("content", [b"", b"one", b"one two three"], ids=["empty", "shorter", "longer"])
def test_file_that_changes_while_it_is_read_is_not_told_as_whole(tmp_path: Path, content: bytes) -> None:
    write_files(tmp_path, {"a.list": b"one two", "b.list": b"x"})
    reading = entries(tmp_path)
    assert next(reading).path == "a.list"
    (tmp_path / "a.list").write_bytes(content)
    with pytest.raises(OSError, match="changed while it was read"):
        next(reading)


def test_file_that_becomes_a_link_or_a_pipe_is_not_followed(tmp_path: Path) -> None:
    for make in (lambda at: at.symlink_to("/etc/passwd"), os.mkfifo, lambda at: None):
        write_files(tmp_path, {"a.list": b"one two"})
        reading = entries(tmp_path)
        next(reading)
        (tmp_path / "a.list").unlink()
        make(tmp_path / "a.list")
        with pytest.raises(OSError):
            next(reading)
        (tmp_path / "a.list").unlink(missing_ok=True)


def test_folder_with_more_names_than_fit_is_said_to_be_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_folder, "MOST_IN_FOLDER", 2)
    write_files(tmp_path, {f"d/{i}.list": b"x" for i in range(3)})
    packages, unread = found(tmp_path)
    assert (packages, unread) == (["x", "x"], [Unread("d", "holds more than 2 names", "incomplete")])
