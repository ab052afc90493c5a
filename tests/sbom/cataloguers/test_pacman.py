import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_tree import MemoryTree, read
from mutations import damaged
from package_cases import assert_finds, cases, tree_of

from leadline.sbom.cataloguers.pacman import pacman

FOLDER = "var/lib/pacman/local/example-libs-1:2.0-3"


@pytest.mark.parametrize("case", cases("pacman"))
def test_database_is_read_whole(case: str) -> None:
    assert_finds(pacman, case)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_description_is_unreadable_at_worst(data: st.DataObject) -> None:
    tree, _ = tree_of("pacman/arch")
    files = {}
    for path in (f"{FOLDER}/desc", f"{FOLDER}/files"):
        file = tree.get(path)
        assert file is not None
        files[path] = data.draw(damaged(file.data))
    packages, stops = read(pacman, MemoryTree(files), f"{FOLDER}/desc")
    assert len(packages) + bool(stops) == 1
