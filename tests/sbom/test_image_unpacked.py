"""Layers whose order matters, against an unpacker that works on real files."""

import gc
import io
import random
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_layer import Held
from unpacker import RefusedError, Step, laid_over

from image_archives import entry, layer
from leadline.model.package import Package
from leadline.model.unread import Unread
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.layers import unpacked
from leadline.sbom.layers.facts import LayerFacts
from leadline.sbom.layers.file_selector import FileSelector
from leadline.sbom.layers.scan import facts_of
from leadline.sbom.layers.scan_options import LayerScanOptions
from leadline.sbom.layers.symlinks import follow_links, second_reading, source_of
from leadline.sbom.layers.tar import EntryReader
from leadline.sbom.layers.tree import MergedTree, merge

SYM, HARD, FOLDER = tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE


@cataloguer("every", suffixes=("",))
def every(file: File, tree: Tree) -> Packages:
    yield Package("generic", file.path, tree.distro.id)


@cataloguer("database", paths=("var/db/status",))
def database(file: File) -> Packages:
    for line in file.text.split():
        yield Package("generic", line, "1")


def archive(steps: list[Step]) -> bytes:
    """``steps`` are kind, path, and content or target."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for kind, path, more in steps:
            if kind == "file":
                info = tarfile.TarInfo(path)
                info.size = len(more)
                tar.addfile(info, io.BytesIO(more.encode()))
            else:
                tar.addfile(entry(path, {"sym": SYM, "hard": HARD, "folder": FOLDER}[kind], more))
    return buffer.getvalue()


def tree_of(*layers: list[Step]) -> MergedTree:
    reader = LayerScanOptions(FileSelector((every,)))
    return merge((f"layer{i}", facts_of(reader, Held(archive(one)))) for i, one in enumerate(layers))


def shown(tree: MergedTree) -> dict[str, str]:
    return {file.path: file.data.decode() for file in tree.kept()}


@pytest.mark.parametrize(
    ("layers", "files"),
    [
        ([[("sym", "lib", "usr/lib"), ("file", "lib/x", "1")]], {"usr/lib/x": "1"}),
        ([[("file", "lib/x", "1"), ("sym", "lib", "usr/lib")]], {}),
        ([[("file", "d/x", "1"), ("file", "d", "2")]], {"d": "2"}),
        (
            [
                [("sym", "lib", "/usr"), ("sym", "usr/a", "../opt"), ("folder", "opt", "")],
                [("file", "lib/a/x", "1")],
            ],
            {"lib/a/x": "1"},
        ),
        ([[("sym", "a", "nowhere/b")], [("file", "a/x", "1")]], {"a/x": "1"}),
        (
            [[("sym", "lib", "usr"), ("folder", "usr", "")], [("file", "lib/x", "1"), ("folder", "lib", "")]],
            {"lib/x": "1"},
        ),
        (
            [
                [("sym", "lib", "usr"), ("file", "usr/x", "1")],
                [("folder", "lib", ""), ("file", "lib/.wh..wh..opq", "")],
            ],
            {"usr/x": "1"},
        ),
        ([[("sym", "lib", "usr"), ("file", "usr/x", "1")], [("file", "lib/.wh.x", "")]], {"usr/x": "1"}),
        (
            [
                [("sym", "lib", "usr"), ("file", "usr/x", "1")],
                [("file", ".wh.lib", ""), ("file", "lib/y", "2")],
            ],
            {"usr/x": "1", "lib/y": "2"},
        ),
        ([[("file", "a", "1")], [("file", "a/.wh.b", "")]], {"a": "1"}),
        ([[("file", "a", "1")], [("hard", "b", "a"), ("file", ".wh.a", "")]], {"b": "1"}),
        (
            [
                [("file", "a", "1"), ("hard", "b", "a"), ("hard", "c", "b")],
                [("file", ".wh.a", ""), ("file", ".wh.b", "")],
            ],
            {"c": "1"},
        ),
        (
            [
                [("file", "usr/x", "1"), ("sym", "lib", "usr"), ("hard", "b", "lib/x")],
                [("file", "usr/x", "2")],
            ],
            {"b": "1", "usr/x": "2"},
        ),
        ([[("sym", "a", "x"), ("file", "b", "1"), ("hard", "a", "b")]], {"a": "1", "b": "1"}),
        ([[("file", "a", "1"), ("hard", "b", "a"), ("file", "a", "2")]], {"a": "2", "b": "1"}),
        ([[("file", "a/x", "1")], [("file", "a", "2"), ("file", "a/x", "3")]], {"a/x": "3"}),
    ],
    ids=[
        "below a link of the same layer",
        "link in place of a folder of the same layer",
        "file in place of a folder of the same layer",
        "through two links of a lower layer",
        "through a link that leads nowhere",
        "folder in place of the link after the file",
        "opaque folder in place of a link",
        "whiteout through a link",
        "folder where a link was hidden",
        "whiteout below a file",
        "hard link to what the same layer hides",
        "hard link to a hard link",
        "hard link through a link",
        "hard link in place of a link",
        "hard link to a path that stands twice",
        "folder in place of a file of the same layer",
    ],
)
def test_files_lie_where_an_unpacker_puts_them(layers: list[list[Step]], files: dict[str, str]) -> None:
    assert shown(tree_of(*layers)) == files


def test_hard_link_to_a_symbolic_link_is_one() -> None:
    tree = tree_of([("file", "f", "1"), ("sym", "a", "f"), ("hard", "b", "a")])
    assert (tree.resolve("b"), shown(tree)) == ("f", {"f": "1"})


def test_hard_link_to_a_symbolic_link_stays_one_when_the_first_becomes_a_file() -> None:
    tree = tree_of([("sym", "a", "b"), ("hard", "c", "a"), ("file", "a", "1")])
    assert shown(tree) == {"a": "1"}


def test_hard_link_to_nothing_is_unread() -> None:
    for target in ("nowhere", "a", "d"):
        tree = tree_of([("folder", "d", ""), ("hard", "a", target)])
        assert tree.unread == (Unread("a", f"a hard link to {target}, which is not a file", "missing"),)


def test_packages_of_a_file_behind_a_link_are_told_where_it_lies() -> None:
    @cataloguer("jars", suffixes=(".jar",))
    def jars(file: File) -> Packages:
        yield Package("maven", file.text, "1")

    reader = LayerScanOptions(FileSelector((jars,)))
    content = archive([("sym", "lib", "usr/lib"), ("file", "lib/a.jar", "a"), ("hard", "b.jar", "lib/a.jar")])
    tree = merge([("demo", facts_of(reader, Held(content)))])
    told = [(one.path, package.found_in) for one in tree.standing() for package in one.facts.packages]
    assert told == [("usr/lib/a.jar", ("usr/lib/a.jar",))]


def test_packages_of_a_hard_link_stay_where_its_first_path_becomes_another_file() -> None:
    @cataloguer("jars", suffixes=(".jar",))
    def jars(file: File) -> Packages:
        yield Package("maven", file.text, "1")

    def told(*steps: Step) -> list[tuple[str, str]]:
        facts = facts_of(LayerScanOptions(FileSelector((jars,))), Held(archive(list(steps))))
        standing = merge([("demo", facts)]).standing()
        return sorted((one.path, package.name) for one in standing for package in one.facts.packages)

    both: list[Step] = [("file", "a.jar", "bad"), ("hard", "b.jar", "a.jar"), ("hard", "c.jar", "b.jar")]
    assert told(*both) == [("a.jar", "bad")]
    assert told(*both, ("file", "a.jar", "good")) == [("a.jar", "good"), ("b.jar", "bad")]
    assert told(*both, ("file", "a.jar", "good"), ("hard", "d.jar", "a.jar")) == [
        ("a.jar", "good"),
        ("b.jar", "bad"),
    ]


def test_nothing_of_an_unpacked_layer_waits_for_the_garbage_collector() -> None:
    gc.collect()
    gc.disable()
    try:
        tree_of([("file", "a", "1"), ("hard", "b", "a"), ("hard", "c", "b"), ("file", "a", "2")])
        assert not [one for one in gc.get_objects() if type(one).__module__ == unpacked.__name__]
    finally:
        gc.enable()


def catalogued(*layers: list[Step]) -> tuple[list[str], list[Unread]]:
    reader = LayerScanOptions(FileSelector((database,)))
    held = [Held(archive(one)) for one in layers]
    read: list[tuple[Held, LayerFacts]] = [(one, facts_of(reader, one)) for one in held]
    tree = merge((one.diff_id, facts) for one, facts in read)
    unread = [*tree.unread, *follow_links(tree, read, reader)]
    return [package.name for one in tree.standing() for package in one.facts.packages], unread


@pytest.mark.parametrize(
    "layers",
    [
        [[("sym", "d", "var/db"), ("file", "d/status", "x")]],
        [[("sym", "var/db", "/store")], [("file", "store/status", "x")]],
        [[("file", "store/1", "x")], [("hard", "var/db/status", "store/1"), ("file", "store/.wh.1", "")]],
        [[("file", "store/1", "x"), ("hard", "store/2", "store/1"), ("sym", "var/db/status", "/store/2")]],
        [[("sym", "var/db/status", "/s"), ("file", "s", "old"), ("file", "s", "x")]],
        [[("file", "store/1", "x"), ("hard", "var/db/status", "store/1"), ("file", "store/1", "y")]],
        [[("file", "s", "x"), ("hard", "var/db/status", "s"), ("sym", "s", "nowhere")]],
        [[("hard", "s", "nowhere"), ("file", "s", "x"), ("hard", "var/db/status", "s")]],
        [
            [("file", "store/1", "x"), ("hard", "store/2", "store/1"), ("file", "store/1", "y")],
            [("hard", "var/db/status", "store/2")],
        ],
        [[("sym", "d", "var/db"), ("file", "d/status", "x"), ("sym", "d", "tmp"), ("file", "d/status", "y")]],
        [
            [
                ("sym", "d", "var/db"),
                ("file", "d/status", "x"),
                ("sym", "d", "tmp"),
                ("file", "d/status", "y"),
            ],
            [("file", "d/status", "z")],
        ],
    ],
    ids=[
        "below a link of the same layer",
        "in a folder that is a link",
        "hard link to a lower layer",
        "link to a hard link",
        "link to a path that stands twice",
        "hard link to a path that is another file later",
        "hard link to a path that is a link later",
        "hard link to what was a hard link to nothing",
        "hard link of a higher layer to such a hard link",
        "below a link that leads elsewhere later",
        "below such a link in a higher layer",
    ],
)
def test_database_that_nobody_could_know_by_its_path_is_read(layers: list[list[Step]]) -> None:
    names, unread = catalogued(*layers)
    assert (names, [one for one in unread if "which is not a file" not in one.why]) == (["x"], [])


def test_database_behind_a_link_of_a_lower_layer_is_not_replaced() -> None:
    lower: list[Step] = [("sym", "d", "var/db"), ("file", "var/db/status", "x")]
    for upper in ("d/status", "d/.wh.status", "d/.wh..wh..opq"):
        assert catalogued(lower, [("file", upper, "y")]) == (["x"], [])


def test_database_that_a_higher_layer_removes_is_not_told() -> None:
    lower: list[Step] = [("file", "var/db/status", "x")]
    assert catalogued(lower, [("file", "var/db/.wh.status", "")]) == ([], [])
    assert catalogued(lower, [("folder", "var/db", ""), ("file", "var/db/.wh..wh..opq", "")]) == ([], [])
    assert catalogued(lower, [("file", "var/db/status", "y")]) == (["y"], [])


NAMES = ("a", "b", "lib", "usr", "x")


def steps(chance: random.Random, files: list[str], is_lowest: bool) -> list[Step]:
    def path(most: int) -> str:
        return "/".join(chance.choices(NAMES, k=chance.randint(1, most)))

    made: list[Step] = []
    for number in range(chance.randint(1, 7)):
        at = path(3)
        folder, _, name = at.rpartition("/")
        start = f"{folder}/" if folder else ""
        kinds = ("file", "folder", "sym", "hard", "white", "opaque")
        kind = chance.choices(kinds, (6, 2, 3, 1.5, 0 if is_lowest else 2, 0 if is_lowest else 1))[0]
        if kind in ("file", "hard") and not (kind == "hard" and not files):
            made.append((kind, at, chance.choice(files) if kind == "hard" else f"{len(files)} {number}"))
            files.append(at)
        elif kind == "sym":
            target = chance.choice((path(3), f"/{path(3)}", f"../{path(2)}", f"../../../{path(1)}", "."))
            made.append(("sym", at, target))
        elif kind == "folder":
            made.append(("folder", at, ""))
        elif kind != "hard":
            made.append(("file", start + (f".wh.{name}" if kind == "white" else ".wh..wh..opq"), ""))
    return made


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_merging_agrees_with_an_unpacker_on_real_files(seed: int) -> None:
    chance = random.Random(seed)
    files: list[str] = []
    layers = [steps(chance, files, not number) for number in range(chance.randint(1, 4))]
    with tempfile.TemporaryDirectory() as root:
        try:
            wanted = laid_over(Path(root), layers)
        except RefusedError:
            return
    tree = tree_of(*layers)
    assert (shown(tree), tree.unread) == (wanted, ())


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_every_file_is_found_again_at_a_second_reading(seed: int) -> None:
    chance = random.Random(seed)
    files: list[str] = []
    reader = LayerScanOptions(FileSelector((every,)))
    held = [Held(archive(steps(chance, files, not number))) for number in range(chance.randint(1, 4))]
    read: list[tuple[Held, LayerFacts]] = [(one, facts_of(reader, one)) for one in held]
    tree = merge((f"layer{number}", facts) for number, (_, facts) in enumerate(read))
    for file in list(tree.kept()):
        found = source_of(tree, read, file.path)
        assert found is not None
        contents: list[bytes] = []

        def take(_: object, __: object, entries: EntryReader, contents: list[bytes] = contents) -> None:
            contents.append(entries.content())

        second_reading(read[found.layer][0], [(found.path, found.turn)], take)
        assert contents[-1] == file.data, (file.path, found)


def test_plain_layers_are_not_kept_in_order() -> None:
    reader = LayerScanOptions(FileSelector((every,)))
    content = layer({"d": None, "d/a": b"", "d/b/c": b"", "l": "d"}, [entry("h", HARD, "d/a")])
    assert facts_of(reader, Held(content)).steps is None
