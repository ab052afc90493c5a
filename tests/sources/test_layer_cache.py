import os
from multiprocessing import get_context
from pathlib import Path

import pytest

from leadline.sources.images.cache import LayerCache
from leadline.sources.private_place import why_not_private


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_was_put_is_there_for_another_process_too(tmp_path: Path) -> None:
    LayerCache(tmp_path / "c").put("key", b"content")
    assert LayerCache(tmp_path / "c").get("key") == b"content"
    assert LayerCache(tmp_path / "c").get("other") is None
    assert (tmp_path / "c").stat().st_mode & 0o777 == 0o700


def test_harmed_entry_is_not_there_and_goes_away(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    for harm in (lambda old: old[:-1], lambda old: old[:-1] + b"X", lambda old: b"", lambda old: b"x" * 500):
        cache.put("key", b"content")
        (path,) = entries(tmp_path)
        path.write_bytes(harm(path.read_bytes()))
        assert cache.get("key") is None
        assert entries(tmp_path) == []


def test_entry_of_another_key_is_not_believed(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    cache.put("one", b"1")
    (one,) = entries(tmp_path)
    cache.put("two", b"2")
    (two,) = set(entries(tmp_path)) - {one}
    one.replace(two)
    assert cache.get("two") is None


def test_oldest_use_is_forgotten_first(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path, 1000)
    for i, key in enumerate("abc"):
        cache.put(key, bytes(200))
        for path in entries(tmp_path):
            if path.stat().st_mtime > 1000:
                os.utime(path, (i, i))
    assert cache.get("a") is not None
    cache.put("d", bytes(240))
    assert [cache.get(key) is not None for key in "abcd"] == [True, False, True, True]
    assert cache.size_bytes() <= 1000


def test_entry_larger_than_a_quarter_is_not_kept(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path / "c", 1000)
    cache.put("key", bytes(251))
    assert cache.get("key") is None


def test_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    cache = LayerCache(tmp_path / "file" / "c")
    cache.put("key", b"content")
    assert cache.get("key") is None


def work(folder: str) -> int:
    cache = LayerCache(Path(folder), 40_000)
    wrong = 0
    for i in range(150):
        key = str(i % 20)
        found = cache.get(key)
        wrong += found is not None and found != key.encode() * 500
        cache.put(key, key.encode() * 500)
    return wrong


def test_several_processes_may_share_the_folder(tmp_path: Path) -> None:
    with get_context("spawn").Pool(3) as pool:
        assert pool.map(work, [str(tmp_path)] * 3) == [0, 0, 0]
    assert not [path for path in entries(tmp_path) if path.suffix]


def test_pipe_in_place_of_an_entry_is_waited_for_by_nobody(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    cache.put("key", b"content")
    (entry,) = tmp_path.iterdir()
    entry.unlink()
    os.mkfifo(entry)
    assert cache.get("key") is None
    cache.put("key", b"again")
    assert cache.get("key") == b"again"


def test_a_folder_that_others_can_write_to_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "c"
    LayerCache(folder).put("key", b"content")
    assert LayerCache(folder).why_unusable() == ""
    folder.chmod(0o777)
    assert LayerCache(folder).why_unusable() == (
        f"the cache {folder} is not used: others than its owner can write to it (mode 777)"
    )


def test_an_entry_that_others_can_write_to_is_not_believed(tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    cache.put("key", b"content")
    (entry,) = tmp_path.iterdir()
    entry.chmod(0o606)
    assert cache.get("key") is None


@pytest.mark.parametrize(
    ("owner", "group", "mode", "is_private"),
    [
        (0, 0, 0o755, True),
        (1, 1, 0o700, True),
        (1, 1, 0o775, True),
        (1, 7, 0o775, False),
        (1, 1, 0o777, False),
        (2, 2, 0o700, False),
    ],
)
def test_what_this_user_and_the_superuser_alone_can_write_is_private(
    monkeypatch: pytest.MonkeyPatch, owner: int, group: int, mode: int, is_private: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    status = os.stat_result((mode, 0, 0, 1, owner, group, 0, 0, 0, 0))
    assert (why_not_private(status) == "") is is_private
