import random
import tarfile
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st
from test_layer import Held

from image_archives import entry, layer
from leadline.model.package import Package
from leadline.model.unread import Unread
from leadline.packages.file import File
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.image import Limits
from leadline.sbom.layers.file_selector import FileSelector
from leadline.sbom.layers.scan import facts_of
from leadline.sbom.layers.scan_options import LayerScanOptions
from leadline.sbom.layers.tree import MergedTree, merge

Files = Mapping[str, bytes | str | None]


@cataloguer("kept", suffixes=(".txt",))
def kept(file: File, tree: Tree) -> Packages:
    yield Package("generic", file.path, tree.distro.id)


def tree_of(*layers: bytes) -> MergedTree:
    reader = LayerScanOptions(FileSelector((kept,)), Limits())
    return merge((f"layer{i}", facts_of(reader, Held(one))) for i, one in enumerate(layers))


def shown(tree: MergedTree) -> dict[str, tuple[bytes, str]]:
    return {file.path: (file.data, file.layer) for file in tree.kept()}


def test_upper_file_hides_the_lower() -> None:
    tree = tree_of(layer({"a.txt": b"old", "b.txt": b"b"}), layer({"a.txt": b"new"}))
    assert shown(tree) == {"a.txt": (b"new", "layer1"), "b.txt": (b"b", "layer0")}


def test_whiteout_removes_file_and_folder_below_it() -> None:
    lower = layer({"a.txt": b"1", "d/b.txt": b"2", "d/e/c.txt": b"3", "dd/x.txt": b"4"})
    tree = tree_of(lower, layer({".wh.a.txt": b"", ".wh.d": b""}))
    assert shown(tree) == {"dd/x.txt": (b"4", "layer0")}
    assert not tree.exists("d/e")
    assert not tree.exists("a.txt")


def test_whiteout_leaves_what_the_same_layer_brings() -> None:
    tree = tree_of(layer({"d/a.txt": b"1"}), layer({".wh.d": b"", "d/b.txt": b"2"}))
    assert shown(tree) == {"d/b.txt": (b"2", "layer1")}


def test_opaque_folder_hides_what_is_below_but_not_its_own() -> None:
    lower = layer({"d": None, "d/a.txt": b"1", "d/e/b.txt": b"2", "c.txt": b"3"})
    upper = layer({"d": None, "d/n.txt": b"4", "d/.wh..wh..opq": b""})
    assert shown(tree_of(lower, upper)) == {"c.txt": (b"3", "layer0"), "d/n.txt": (b"4", "layer1")}


def test_opaque_root_hides_everything() -> None:
    tree = tree_of(layer({"a.txt": b"1", "d/b.txt": b"2"}), layer({".wh..wh..opq": b"", "c.txt": b"3"}))
    assert shown(tree) == {"c.txt": (b"3", "layer1")}


def test_file_in_place_of_a_folder_hides_its_content() -> None:
    for lower in ({"d": None, "d/a.txt": b"1"}, {"d/a.txt": b"1"}):
        tree = tree_of(layer(lower), layer({"d": b"now a file"}))
        assert shown(tree) == {}
        assert not tree.exists("d/a.txt")


def test_link_in_place_of_a_folder_hides_its_content() -> None:
    tree = tree_of(layer({"d": None, "d/a.txt": b"1", "n/a.txt": b"2"}), layer({"d": "n"}))
    assert shown(tree) == {"n/a.txt": (b"2", "layer0")}
    assert tree.get("d/a.txt") == File("n/a.txt", b"2", 0o644, "layer0")


def test_folder_in_place_of_a_file_hides_it() -> None:
    tree = tree_of(layer({"a.txt": b"1"}), layer({"a.txt": None, "a.txt/b.txt": b"2"}))
    assert shown(tree) == {"a.txt/b.txt": (b"2", "layer1")}


def test_folder_entry_leaves_lower_content() -> None:
    tree = tree_of(layer({"d": None, "d/a.txt": b"1"}), layer({"d": None}))
    assert shown(tree) == {"d/a.txt": (b"1", "layer0")}


def test_file_below_a_link_of_a_lower_layer_makes_a_folder_in_its_place_as_the_kernel_does() -> None:
    lower = layer({"usr/lib": None, "lib": "usr/lib", "usr/lib/a.txt": b"0"})
    tree = tree_of(lower, layer({"lib/a.txt": b"1", "lib/x/b.txt": b"2"}))
    assert shown(tree) == {
        "usr/lib/a.txt": (b"0", "layer0"),
        "lib/a.txt": (b"1", "layer1"),
        "lib/x/b.txt": (b"2", "layer1"),
    }


def test_whiteout_below_a_link_of_a_lower_layer_hides_nothing_behind_it() -> None:
    lower = layer({"usr/lib": None, "lib": "usr/lib", "usr/lib/a.txt": b"0"})
    for upper in ({"lib/.wh.a.txt": b""}, {"lib/.wh..wh..opq": b""}):
        assert shown(tree_of(lower, layer(upper))) == {"usr/lib/a.txt": (b"0", "layer0")}


def test_links_are_followed_within_the_image() -> None:
    tree = tree_of(
        layer(
            {
                "a/b/c.txt": b"1",
                "up": "../../../a",
                "abs": "/a/b",
                "rel": "a/./b/../b",
                "chain": "up/b",
                "etc/link.txt": "../abs/c.txt",
            }
        )
    )
    for path in ("up/b/c.txt", "abs/c.txt", "rel/c.txt", "chain/c.txt", "etc/link.txt"):
        assert tree.get(path) == File("a/b/c.txt", b"1", 0o644, "layer0")
        assert tree.exists(path)
    assert tree.get("nowhere/c.txt") is None
    assert [file.path for file in tree.below("abs")] == ["a/b/c.txt"]


def test_circles_of_links_lead_nowhere() -> None:
    tree = tree_of(layer({"a": "b", "b": "a", "c": "c/c", "d": "./d/x"}))
    for path in ("a", "a/x", "c", "c/x", "d/y"):
        assert tree.get(path) is None
        assert tree.resolve(path) == ""


def test_as_many_links_are_followed_as_linux_follows() -> None:
    chain: Files = {f"l{i}": f"l{i + 1}" for i in range(60)} | {"l60": b"x"}
    tree = tree_of(layer(chain))
    assert [tree.resolve(f"l{i}") for i in (0, 19, 20, 59)] == ["", "", "l60", "l60"]
    assert [tree.resolve(f"l{i}") for i in (59, 20, 19, 0)] == ["l60", "l60", "", ""]


def test_links_through_a_deep_folder_are_followed_once() -> None:
    deep = "d/" * 500
    chain: Files = {f"c{i}": f"{deep}{'../' * 500}c{i + 1}" for i in range(35)} | {
        "c35": b"x",
        f"{deep}f": b"",
    }
    asked: Files = {f"l{i}": "c0" for i in range(2000)}
    entries = dict(tree_of(layer({**chain, **asked}))._entries)

    class Counted(dict[str, str]):
        asked = 0

        def get(self, *key: object) -> str:  # type: ignore[override]
            Counted.asked += 1
            return dict.get(self, *key)  # type: ignore[call-overload,no-any-return]

    tree = MergedTree(Counted(entries), {})
    assert {tree.resolve(f"l{i}") for i in range(2000)} == {"c35"}
    assert Counted.asked < 60_000


def test_below_gives_every_depth_in_order_and_no_neighbour() -> None:
    tree = tree_of(layer({"d/b.txt": b"", "d/a/x.txt": b"", "d2/c.txt": b"", "d/other": b"", "d.txt": b""}))
    assert [file.path for file in tree.below("d")] == ["d/a/x.txt", "d/b.txt"]


def test_hard_link_to_a_file_that_nobody_wished_for_is_read() -> None:
    tree = tree_of(layer({"store/blob": b"1"}, [entry("a.txt", tarfile.LNKTYPE, "store/blob")]))
    assert shown(tree) == {"a.txt": (b"1", "layer0")}


def test_hard_link_outlives_its_target() -> None:
    lower = layer({"a.txt": b"1"}, [entry("b.txt", tarfile.LNKTYPE, "a.txt")])
    assert shown(tree_of(lower, layer({".wh.a.txt": b""}))) == {"b.txt": (b"1", "layer0")}


def model(layers: list[list[tuple[str, str]]]) -> dict[str, int]:
    """The rules said slowly: paths of files and the layer that each comes from."""
    files: dict[str, int] = {}
    for number, steps in enumerate(layers):
        for kind, path in steps:
            folder = path.rpartition("/")[0]
            for old in list(files):
                is_hidden = kind in ("white", "file") and (old == path or old.startswith(path + "/"))
                is_covered = kind == "opaque" and (not folder or old.startswith(folder + "/"))
                is_in_the_way = kind == "file" and path.startswith(old + "/")
                if is_hidden or is_covered or is_in_the_way:
                    del files[old]
        files.update({path: number for kind, path in steps if kind == "file"})
    return files


def archive(steps: list[tuple[str, str]]) -> bytes:
    files: dict[str, bytes | str | None] = {}
    for kind, path in steps:
        folder, _, name = path.rpartition("/")
        at = f"{folder}/" if folder else ""
        files[{"file": path, "white": f"{at}.wh.{name}", "opaque": f"{at}.wh..wh..opq"}[kind]] = b""
    return layer(files)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_merging_agrees_with_the_rules_said_slowly(seed: int) -> None:
    chance = random.Random(seed)
    layers: list[list[tuple[str, str]]] = []
    for _ in range(chance.randint(1, 5)):
        steps: list[tuple[str, str]] = []
        for _ in range(chance.randint(0, 5)):
            kind = chance.choice(("file", "file", "white", "opaque"))
            path = "/".join(chance.choices(("a", "b", "c.txt"), k=chance.randint(1, 4)))
            path = path if path.endswith(".txt") else f"{path}.txt"
            clash = any(
                "file" in (kind, other)
                and (f"{path}/".startswith(f"{one}/") or f"{one}/".startswith(f"{path}/"))
                for other, one in steps
            )
            if not clash:
                steps.append((kind, path))
        layers.append(steps)
    found = {path: int(source[5:]) for path, (_, source) in shown(tree_of(*map(archive, layers))).items()}
    assert found == model(layers)


def test_unread_of_a_hidden_file_is_not_told() -> None:
    reader = LayerScanOptions(FileSelector((kept,)), Limits(kept_file_bytes=3))
    lower, upper = layer({"a.txt": b"12345", "b.txt": b"12345"}), layer({"a.txt": b"1"})
    tree = merge((str(i), facts_of(reader, Held(one))) for i, one in enumerate((lower, upper)))
    unread = [one for standing in tree.standing() for one in standing.facts.unread]
    assert unread == [Unread("b.txt", "too large to be kept in memory", "too large")]
