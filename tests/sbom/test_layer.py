import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from image_archives import entry, layer
from leadline.errors import RegistryError
from leadline.model.package import Package
from leadline.model.unread import Unread
from leadline.packages.file import File, Unreadable
from leadline.sbom.cataloguer import Packages, Tree, cataloguer
from leadline.sbom.image import Limits
from leadline.sbom.layers.facts import LayerFacts, PathFacts
from leadline.sbom.layers.file_selector import FileSelector
from leadline.sbom.layers.memory_budget import MemoryBudget
from leadline.sbom.layers.scan import facts_of
from leadline.sbom.layers.scan_options import LayerScanOptions
from leadline.sbom.layers.stream import Damaged, Forged, Pieces
from leadline.sbom.layers.tar import EntryReader, TarReader
from leadline.sbom.layers.tree import merge
from leadline.sbom.parsers.content_sums import sums_of

ELF = b"\x7fELF" + bytes(100)


class Held:
    """A layer that lies in memory, and counts how often it is opened."""

    diff_id = "sha256:demo"
    cache_key = "demo"
    stamp = ""
    size_bytes = 0

    def __init__(
        self, content: bytes, missing: str = "", pieces: "Callable[[Held], Iterator[bytes]] | None" = None
    ) -> None:
        self.content = content
        self.missing = missing
        self.opened = 0
        self.pieces = pieces or (lambda held: iter([held.content]))

    @contextmanager
    def open(self) -> Iterator[EntryReader]:
        self.opened += 1
        yield TarReader(Pieces(self.pieces(self)))


@cataloguer("names", names=("list",))
def names(file: File) -> Packages:
    for line in file.text.split():
        if line == "!":
            raise Unreadable("an exclamation mark")
        yield Package("generic", line, "1")


@cataloguer("whole", names=("whole",), beside=("*.extra", "etc/kept", "other"))
def whole(file: File, tree: Tree) -> Packages:
    yield Package("generic", tree.distro.id or "whole", file.text)


@cataloguer("programs", executables=True)
def programs(file: File) -> Packages:
    yield Package("generic", file.name, str(len(file.data)))


def facts(content: bytes, limits: Limits = Limits()) -> LayerFacts:  # noqa: B008 - frozen
    return facts_of(LayerScanOptions(FileSelector((names, whole, programs)), limits), Held(content))


def package(name: str, path: str, version: str = "1", by: str = "names") -> Package:
    return Package("generic", name, version, found_in=(path,), found_by=by)


def test_reader_of_one_file_runs_at_once_and_its_file_is_let_go() -> None:
    found = facts(layer({"a/list": b"x y", "b": b"z"}))
    assert found.facts == {"a/list": PathFacts(0o644, None, (package("x", "a/list"), package("y", "a/list")))}


def test_what_came_before_unreadable_is_kept() -> None:
    found = facts(layer({"list": b"x ! y"}))
    assert found.facts == {
        "list": PathFacts(
            0o644, None, (package("x", "list"),), (Unread("list", "names: an exclamation mark", "malformed"),)
        )
    }


def test_files_for_readers_of_the_tree_are_kept() -> None:
    content = layer({"whole": b"1", "x/y.extra": b"2", "etc/kept": b"3", "kept": b"4", "other": b"5"})
    assert {path: one.content for path, one in facts(content).facts.items()} == {
        "whole": b"1",
        "x/y.extra": b"2",
        "etc/kept": b"3",
        "other": b"5",
    }


def test_executables_are_known_by_their_first_bytes() -> None:
    content = layer({"bin/a": ELF, "lib/b.so": ELF, "c.sh": b"#!/bin/sh" + bytes(100)})
    assert facts(content).facts == {
        "bin/a": PathFacts(0o644, None, (package("a", "bin/a", "104", "programs"),), sums=sums_of(ELF)),
        "lib/b.so": PathFacts(
            0o644, None, (package("b.so", "lib/b.so", "104", "programs"),), sums=sums_of(ELF)
        ),
    }


def test_set_uid_and_set_gid_files_are_noted() -> None:
    files = [entry("su", tarfile.REGTYPE, mode=0o4755), entry("wall", tarfile.REGTYPE, mode=0o2755)]
    folders = [entry("tmp", tarfile.DIRTYPE, mode=0o6777)]
    assert facts(layer({}, files + folders)).facts == {"su": PathFacts(0o4755), "wall": PathFacts(0o2755)}


def test_secret_is_noted_by_kind_and_line() -> None:
    key = b"# mine\n-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"
    found = facts(layer({"root/.ssh/id_rsa": key, "etc/ssl/ca.pem": b"-----BEGIN CERTIFICATE-----\n"}))
    assert found.facts == {"root/.ssh/id_rsa": PathFacts(0o644, secrets=("private key in line 2",))}


def test_entries_that_leave_the_image_are_unread_and_counted_beyond_twenty() -> None:
    found = facts(layer({f"../{i}": b"" for i in range(25)}))
    assert found.unread[:1] == [Unread("../0", "its name or target lies outside the image", "left out")]
    assert found.unread[20:] == [Unread("(archive)", "5 more entries lie outside the image", "left out")]


def test_layer_cut_short_keeps_what_came_before() -> None:
    found = facts(layer({"list": b"x", "b": bytes(5000)})[:3000])
    assert found.facts == {"list": PathFacts(0o644, None, (package("x", "list"),))}
    why = "the archive ends in the middle of a file; what came before was read"
    assert (found.unread, found.is_whole) == ([Unread("layer sha256:demo", why, "incomplete")], False)


def test_too_many_entries_end_the_layer() -> None:
    found = facts(layer({f"{i}": b"" for i in range(20)}), Limits(entries=10))
    assert found.unread == [
        Unread("layer sha256:demo", "more than 10 entries; what came before was read", "incomplete")
    ]
    assert len(found.entries) == 10


@pytest.mark.parametrize(
    "paths",
    [
        [f".wh.{i}" for i in range(20)],
        ["list"] * 20,
        ["/".join("abcdefghijklmnopqrst")],
        ["x" * 2560],
    ],
    ids=["whiteouts", "one path", "folders that are implied", "a long path"],
)
def test_whatever_takes_memory_or_time_counts_as_an_entry(paths: list[str]) -> None:
    content = layer({}, [entry(path, tarfile.REGTYPE) for path in paths])
    found = facts(content, Limits(entries=10))
    assert found.unread == [
        Unread("layer sha256:demo", "more than 10 entries; what came before was read", "incomplete")
    ]


def test_long_target_of_a_link_counts_as_several_entries() -> None:
    found = facts(layer({"a": "x" * 2560}), Limits(entries=10))
    assert [one.why for one in found.unread] == ["more than 10 entries; what came before was read"]


def test_hard_links_are_read_where_there_was_no_room_for_another_file() -> None:
    content = layer({"a/whole": b"x" * 101, "store": b"1"}, [entry("list", tarfile.LNKTYPE, "store")])
    found = facts(content, Limits(all_kept_bytes=100))
    assert [one.name for one in found.facts["list"].packages] == ["1"]
    assert not found.is_whole


def test_files_kept_for_hard_links_are_bounded_together() -> None:
    links = [entry(f"{i}/whole", tarfile.LNKTYPE, f"store/{i}") for i in range(3)]
    content = layer({f"store/{i}": b"x" * 40 for i in range(3)}, links)
    found = facts(content, Limits(all_kept_bytes=100))
    assert found.unread == [Unread("2/whole", "too large to be kept in memory", "too large")]


def test_file_beyond_the_limit_is_unread() -> None:
    found = facts(layer({"list": bytes(2 << 20)}), Limits(file_bytes=1 << 20))
    assert found.facts == {
        "list": PathFacts(0o644, unread=(Unread("list", "larger than 1 MiB", "too large"),))
    }


def test_kept_files_together_are_bounded() -> None:
    content = layer({"a/whole": b"x" * 60, "b/whole": b"y" * 60, "c/whole": b"z" * 30})
    found = facts(content, Limits(kept_bytes=100)).facts
    assert {path: one.content and one.content[:1] for path, one in found.items()} == {
        "a/whole": b"x",
        "b/whole": None,
        "c/whole": b"z",
    }
    assert found["b/whole"].unread == (Unread("b/whole", "too large to be kept in memory", "too large"),)


def test_missing_layer_is_unread_and_never_opened() -> None:
    held = Held(b"", missing="a foreign layer")
    found = facts_of(LayerScanOptions(FileSelector((names,))), held)
    assert (found.unread, found.is_whole, held.opened) == (
        [Unread("layer sha256:demo", "a foreign layer", "incomplete")],
        False,
        0,
    )


def test_path_that_stands_twice_counts_once() -> None:
    archive = layer({"list": b"old"})[:1024] + layer({"list": b"new"})
    tree = merge([("demo", facts(archive))])
    assert [one.facts.packages for one in tree.standing()] == [(package("new", "list"),)]


def test_hard_link_under_a_wished_name_is_read_in_a_second_pass() -> None:
    held = Held(layer({"store/abc": b"x"}, [entry("list", tarfile.LNKTYPE, "store/abc")]))
    found = facts_of(LayerScanOptions(FileSelector((names,))), held)
    assert found.facts == {"list": PathFacts(0o644, None, (package("x", "list"),))}
    assert held.opened == 2


def test_hard_link_to_a_hard_link_tells_what_the_first_tells() -> None:
    links = [entry("a/list", tarfile.LNKTYPE, "b/list"), entry("c/list", tarfile.LNKTYPE, "a/list")]
    found = facts(layer({"b/list": b"x"}, links))
    assert (found.facts["c/list"].link, found.unread) == ("b/list", [])


def failing(content: bytes, error: Exception) -> Held:
    """A layer that is read once, and ends in ``error`` when it is read again."""

    def pieces(held: Held) -> Iterator[bytes]:
        yield held.content
        if held.opened > 1:
            raise error

    return Held(content, pieces=pieces)


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (RegistryError("r.example broke off", hint="wait"), "wait"),
        (Damaged("r.example broke off"), ""),
        (Forged("r.example broke off"), ""),
    ],
)
def test_layer_that_fails_at_the_second_reading_keeps_what_the_first_told(
    error: Exception, hint: str
) -> None:
    links = [entry("list", tarfile.LNKTYPE, "store/a"), entry("b/list", tarfile.LNKTYPE, "store/b")]
    content = layer({"first/list": b"kept", "store/a": b"x", "store/b": b"y"}, links)
    found = facts_of(LayerScanOptions(FileSelector((names,))), failing(content, error))
    assert found.facts["first/list"].packages == (package("kept", "first/list"),)
    assert [found.facts[path].packages for path in ("list", "b/list")] == [(), ()]
    why = "r.example broke off at the second reading; b/list and 1 more hard links were not read"
    assert (found.unread, found.is_whole) == (
        [Unread("layer sha256:demo", why, "incomplete", hint=hint)],
        False,
    )


def test_layer_that_cannot_be_opened_again_keeps_what_the_first_reading_told() -> None:
    class Once(Held):
        @contextmanager
        def open(self) -> Iterator[EntryReader]:
            if self.opened:
                raise RegistryError("r.example is gone")
            with super().open() as entries:
                yield entries

    content = layer({"first/list": b"kept", "store/a": b"x"}, [entry("list", tarfile.LNKTYPE, "store/a")])
    found = facts_of(LayerScanOptions(FileSelector((names,))), Once(content))
    assert found.facts["first/list"].packages == (package("kept", "first/list"),)
    why = "r.example is gone at the second reading; list was not read"
    assert found.unread == [Unread("layer sha256:demo", why, "incomplete")]


def test_special_files_are_there_but_never_read() -> None:
    devices = [
        entry(f"{kind.decode()}/list", kind) for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
    ]
    found = facts(layer({}, devices))
    assert found.facts == {}
    assert found.entries == {"3": "/", "3/list": "?", "4": "/", "4/list": "?", "6": "/", "6/list": "?"}


def test_packages_beyond_the_limit_are_unread() -> None:
    content = layer({"a/list": b"1", "b/list": b"2", "c/list": b"3"})
    reader = LayerScanOptions(FileSelector((names,)), Limits(packages=2))
    found = facts_of(reader, Held(content))
    assert [one.packages != () for one in found.facts.values()] == [True, True, False]
    why = "names: the image has more packages than there is room for"
    assert found.facts["c/list"].unread == (Unread("c/list", why, "malformed"),)
    assert not MemoryBudget().reserve_facts(Limits(packages=1), found)
