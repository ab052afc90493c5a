import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memory_tree import MemoryTree, read
from mutations import damaged
from package_cases import assert_finds, cases, tree_of

from leadline.sbom.cataloguers.dpkg import dpkg

STATUS = "var/lib/dpkg/status"


@pytest.mark.parametrize("case", cases("dpkg"))
def test_database_is_read_whole(case: str) -> None:
    assert_finds(dpkg, case)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_damaged_database_is_unreadable_at_worst(data: st.DataObject) -> None:
    tree, _ = tree_of("dpkg/debian")
    files = {}
    for path in (STATUS, "var/lib/dpkg/info/example-server.list", "usr/share/doc/example-server/copyright"):
        file = tree.get(path)
        assert file is not None
        files[path] = data.draw(damaged(file.data))
    packages, stops = read(dpkg, MemoryTree(files), STATUS)
    assert all(package.name and package.version for package in packages)
    assert (
        not stops or "no name or no version" in stops or "middle of a package" in stops or "holds no" in stops
    )


def test_an_empty_database_is_unreadable() -> None:
    assert read(dpkg, MemoryTree({STATUS: ""}), STATUS) == ([], "holds no package paragraph")


def test_a_database_that_is_cut_short_is_unreadable_and_keeps_what_came_before() -> None:
    whole = "".join(
        f"Package: {name}\nStatus: install ok installed\nVersion: 1\nDescription: text\n\n" for name in "abc"
    )
    for end in range(len(whole) // 3 * 2 + 1, len(whole) - 2):
        packages, stops = read(dpkg, MemoryTree({STATUS: whole[:end]}), STATUS)
        assert [package.name for package in packages][:2] == ["a", "b"]
        complete_lines = whole[:end].endswith(("installed\n", "Version: 1\n"))
        assert stops or complete_lines or whole[:end].endswith("text\n"), whole[:end][-40:]


def test_a_database_beyond_its_bound_is_unreadable() -> None:
    status = "Package: x\nVersion: 1\n\n" * 3_000_000
    assert read(dpkg, MemoryTree({STATUS: status}), STATUS) == ([], "larger than 64 MiB")


@pytest.mark.parametrize("size", [1_000, 200_000])
def test_endless_relation_is_read_once(size: int) -> None:
    relation = "\n ".join(["a,"] * size)
    status = f"Package: x\nVersion: 1\nDepends: b,\n {relation}\n"
    packages, stops = read(dpkg, MemoryTree({STATUS: status}), STATUS)
    assert ([package.depends for package in packages], stops) == ([("b", "a")], "")


@pytest.mark.parametrize(
    ("copyright_text", "licences"),
    [
        ("License: see the whole of the text that follows\n", ()),
        ("The licence is\n    License: MIT\n", ("MIT",)),
        ("It says in License: MIT\n", ()),
        (
            "Permission is hereby granted, free of charge, to any\nperson obtaining a copy of this software",
            ("MIT",),
        ),
    ],
)
def test_free_text_names_its_licence(copyright_text: str, licences: tuple[str, ...]) -> None:
    tree = MemoryTree({STATUS: "Package: x\nVersion: 1\n", "usr/share/doc/x/copyright": copyright_text})
    packages, _ = read(dpkg, tree, STATUS)
    assert [package.licenses for package in packages] == [licences]
