"""Folders with too many entries become one pattern, and nothing that was seen is forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from leadline.runtime.collapse import ANY, PathSet

PATHS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))


def test_many_files_of_a_folder_are_one_pattern():
    paths = PathSet(most_entries=3)
    for number in range(5):
        paths.add(f"/var/lib/x{number}/data", 1)
    assert list(paths.items()) == [(f"/var/lib/{ANY}/data", 1)]


def test_numbers_below_proc_are_one_pattern_at_once():
    paths = PathSet()
    paths.add("/proc/10/environ")
    paths.add("/proc/11/environ")
    assert [path for path, _ in paths.items()] == [f"/proc/{ANY}/environ"]


def test_flags_are_united():
    paths = PathSet(most_entries=1)
    paths.add("/a/b", 1)
    paths.add("/a/c", 2)
    assert list(paths.items()) == [(f"/a/{ANY}", 3)]


def test_a_hundred_thousand_names_stay_small():
    paths = PathSet()
    for number in range(100_000):
        paths.add(f"/data/{number % 300}/{number}")
    assert len(paths) == 1


@given(st.lists(PATHS, max_size=60), st.integers(1, 4))
def test_whatever_was_added_is_in_it(added: list[str], most: int):
    paths = PathSet(most_entries=most)
    for path in added:
        paths.add(path)
    assert [path for path in added if path not in paths] == []
    assert len(paths) <= len(set(added))
