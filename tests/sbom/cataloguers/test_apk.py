import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_tree import MemoryTree, read
from mutations import damaged
from package_cases import assert_finds, cases, tree_of

from leadline.sbom.cataloguers.apk import apk

DATABASE = "lib/apk/db/installed"


@pytest.mark.parametrize("case", cases("apk"))
def test_database_is_read_whole(case: str) -> None:
    assert_finds(apk, case)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_database_is_unreadable_at_worst(data: st.DataObject) -> None:
    file = tree_of("apk/alpine")[0].get(DATABASE)
    assert file is not None
    packages, stops = read(apk, MemoryTree({DATABASE: data.draw(damaged(file.data))}), DATABASE)
    assert all(package.name and package.version for package in packages)
    assert not stops or "no name or no version" in stops


def test_empty_database_holds_no_packages() -> None:
    assert read(apk, MemoryTree({DATABASE: ""}), DATABASE) == ([], "")
