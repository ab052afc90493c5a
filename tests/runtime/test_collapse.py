"""Folders with too many entries become one pattern, and nothing that was seen is forgotten."""

from hypothesis import given
from hypothesis import strategies as st

from leadline.model.profile import MANY, Use
from leadline.runtime.collapse import ANY, MOST_PROGRAMS, PathSet, UseCount

PATHS = st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5).map(lambda parts: "/" + "/".join(parts))


def test_many_files_of_a_folder_are_one_pattern():
    paths = PathSet(most_entries=3)
    for number in range(5):
        paths.add(f"/var/lib/x{number}/data", 1)
    assert [one[:2] for one in paths.items()] == [(f"/var/lib/{ANY}/data", 1)]


def test_numbers_below_proc_are_one_pattern_at_once():
    paths = PathSet()
    paths.add("/proc/10/environ")
    paths.add("/proc/11/environ")
    assert [path for path, _, _ in paths.items()] == [f"/proc/{ANY}/environ"]


def test_flags_are_united():
    paths = PathSet(most_entries=1)
    paths.add("/a/b", 1)
    paths.add("/a/c", 2)
    assert [one[:2] for one in paths.items()] == [(f"/a/{ANY}", 3)]


def test_what_is_collapsed_keeps_who_did_it_and_when():
    paths = PathSet(most_entries=2)
    for number in range(3):
        paths.add(f"/a/{number}", 1, f"/bin/{number % 2}", at_ns=(5 - number) * 10**9)
    ((path, _, count),) = paths.items()
    assert path == f"/a/{ANY}"
    assert count.use(100.0) == Use(("/bin/0", "/bin/1"), 103.0, 105.0, 3)


def test_the_programs_of_one_thing_are_bounded():
    count = UseCount()
    for number in range(1000):
        count.add(f"/bin/{number}", number)
    found = count.use(0.0)
    assert (len(found.programs), found.programs[-1], found.times) == (MOST_PROGRAMS + 1, MANY, 1000)


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
