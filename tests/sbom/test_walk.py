import logging
from collections.abc import Iterator
from hashlib import md5

import pytest

from leadline.model.package import Distro, Package
from leadline.model.unread import Unread
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Cataloguer, Packages, Tree, cataloguer
from leadline.sbom.layers.facts import PathFacts
from leadline.sbom.layers.file_selector import FileInterest, FileSelector
from leadline.sbom.layers.tree import MergedTree
from leadline.sbom.layers.unpacked import Standing
from leadline.sbom.ownership import with_owners
from leadline.sbom.run_cataloguers import Reading, catalogue, read


class Held:
    """A tree whose files are all kept."""

    distro = Distro(id="demo")

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = {path: File(path, data, layer="sha256:l") for path, data in sorted(files.items())}

    def get(self, path: str) -> File | None:
        return self._files.get(path)

    def below(self, folder: str) -> Iterator[File]:
        return (file for path, file in self._files.items() if path.startswith(f"{folder}/"))

    def exists(self, path: str) -> bool:
        return path in self._files

    def kept(self) -> Iterator[File]:
        return iter(self._files.values())


def reader(name: str, **wishes: object) -> Cataloguer:
    def read(file: File) -> Packages:
        yield Package("generic", file.path, "1")

    return cataloguer(name, **wishes)(read)  # type: ignore[arg-type]


FILES = dict.fromkeys(
    ("a/b.jar", "a/list", "etc/x/one", "etc/x/deep/two", "lib/db/installed", "list"), b""
) | {"bin/tool": b"\x7fELF" + bytes(100)}


@pytest.mark.parametrize(
    ("wishes", "paths"),
    [
        ({"paths": ("lib/db/installed", "list")}, ["lib/db/installed", "list"]),
        ({"names": ("list",)}, ["a/list", "list"]),
        ({"names": ("l*st",)}, ["a/list", "list"]),
        ({"names": ("lis*st", "lis*t.x", "x*st")}, []),
        ({"suffixes": (".jar", "led")}, ["a/b.jar", "lib/db/installed"]),
        ({"folders": ("etc/x",)}, ["etc/x/one"]),
        ({"folders": ("etc/x/",)}, ["etc/x/one"]),
        ({"executables": True}, ["bin/tool"]),
        (
            {"names": ("list", "tool"), "executables": True, "suffixes": ("list",)},
            ["a/list", "bin/tool", "list"],
        ),
        ({}, []),
    ],
)
def test_each_kind_of_wish_is_served_once_per_file(wishes: dict[str, object], paths: list[str]) -> None:
    found = catalogue(Held(FILES), [reader("demo", **wishes)])
    assert [package.name for package in found.packages] == paths


def test_package_is_told_where_by_whom_and_in_which_layer_it_was_found() -> None:
    found = catalogue(Held({"list": b""}), [reader("demo", names=("list",))])
    assert found.packages == (
        Package("generic", "list", "1", found_in=("list",), found_by="demo", layer="sha256:l"),
    )


def test_tree_is_handed_to_those_who_take_it() -> None:
    @cataloguer("demo", names=("list",))
    def demo(file: File, tree: Tree) -> Packages:
        beside = tree.get("a/list")
        yield Package("generic", tree.distro.id, beside.text if beside else "")

    packages = catalogue(Held({"a/list": b"7"}), [demo]).packages
    assert [(package.name, package.version) for package in packages] == [("demo", "7")]


def test_executables_are_not_read_with_a_tree() -> None:
    with pytest.raises(TypeError, match="executables are not kept"):

        @cataloguer("demo", executables=True)
        def demo(file: File, tree: Tree) -> Packages:
            yield Package("generic", "x", "1")


def test_unreadable_keeps_what_was_told_before() -> None:
    @cataloguer("demo", names=("list",))
    def demo(file: File) -> Packages:
        yield Package("generic", "one", "1")
        raise Unreadable("line 2 has no name")

    found = catalogue(Held({"list": b""}), [demo])
    assert [package.name for package in found.packages] == ["one"]
    assert found.unread == (Unread("list", "demo: line 2 has no name", "malformed"),)


def test_fault_of_a_cataloguer_is_unread_and_logged() -> None:
    @cataloguer("demo", names=("list",))
    def demo(file: File) -> Packages:
        yield Package("generic", "one", "1")
        raise KeyError("x")

    log = logging.getLogger("leadline.sbom.cataloguer")
    others, log.handlers, log.propagate = log.handlers, [], False
    heard = logging.Handler()
    heard.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    said: list[str] = []
    log.addHandler(heard)
    try:
        found = catalogue(Held({"list": b"", "other": b""}), [demo, reader("next", names=("other",))])
    finally:
        log.handlers, log.propagate = others, True
    assert [package.name for package in found.packages] == ["one", "other"]
    assert [(one.where, one.why) for one in found.unread] == [
        ("list", "a fault in the cataloguer demo (KeyError)")
    ]
    assert said == ["cataloguer demo failed on list"]


def test_nothing_is_told_of_nothing() -> None:
    assert catalogue(Held({}), [reader("demo", names=("list",))]) == Reading()


def test_wishes_say_what_is_kept() -> None:
    @cataloguer("tree", names=("status",), beside=("*.list", "var/info/*.md5", "copyright", "etc/kept"))
    def tree_reader(file: File, tree: Tree) -> Packages:
        yield from ()

    wishes = FileSelector([reader("plain", names=("status", "plain")), tree_reader], ["etc/os-release"])
    assert {
        path: wishes.of(path)
        for path in (
            "a/status", "a/plain", "a/x.list", "var/info/x.md5", "other/x.md5", "doc/copyright",
            "etc/kept", "b/etc/kept", "etc/os-release", "a/os-release",
        )
    } == {
        "a/status": FileInterest((0, 1), True),
        "a/plain": FileInterest((0,), False),
        "a/x.list": FileInterest((), True),
        "var/info/x.md5": FileInterest((), True),
        "other/x.md5": None,
        "doc/copyright": FileInterest((), True),
        "etc/kept": FileInterest((), True),
        "b/etc/kept": None,
        "etc/os-release": FileInterest((), True),
        "a/os-release": None,
    }  # fmt: skip


def test_language_package_in_a_file_of_the_distribution_knows_its_owner() -> None:
    entries = {"lib": "@usr/lib", "usr": "/", "usr/lib": "/", "usr/lib/b": "/"}
    entries |= dict.fromkeys(("usr/lib/a/METADATA", "usr/lib/b/METADATA", "opt/c/METADATA"), "")
    packages = (
        Package(
            "deb",
            "python3-a",
            "1",
            found_in=("var/lib/dpkg/status",),
            files=("usr/lib/a/METADATA", "lib/b/METADATA"),
        ),
        Package("pypi", "a", "1", found_in=("usr/lib/a/METADATA",)),
        Package("pypi", "b", "1", found_in=("usr/lib/b/METADATA",)),
        Package("pypi", "c", "1", found_in=("opt/c/METADATA",)),
        Package("maven", "d", "1", found_in=("usr/lib/a/METADATA:inner/d.jar:e.jar",)),
        Package("maven", "e", "1", found_in=("usr/lib/b/METADATA:inner.jar",)),
        Package("maven", "f", "1", found_in=("opt/c/METADATA:inner.jar",)),
    )
    sums = "".join(f"{md5(b'x').hexdigest()}  {path}\n" for path in packages[0].files)
    kept = {"var/lib/dpkg/status": b"", "var/lib/dpkg/info/python3-a.md5sums": sums.encode()}
    kept |= dict.fromkeys(("usr/lib/a/METADATA", "usr/lib/b/METADATA", "opt/c/METADATA"), b"x")
    standing = {path: Standing(path, "", PathFacts(content=content)) for path, content in kept.items()}
    found = with_owners(packages, MergedTree({**entries, **dict.fromkeys(kept, "")}, standing))
    assert [package.owned_by for package in found] == ["", *["python3-a"] * 2, "", *["python3-a"] * 2, ""]


def test_reading_one_file_needs_no_tree() -> None:
    assert read(reader("demo"), File("x", b""), None, 10).packages[0].name == "x"
