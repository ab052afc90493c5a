import pytest
from test_layer import Held, names, whole

from image_archives import layer
from leadline.model.unread import Unread
from leadline.sbom.image import Limits
from leadline.sbom.layers import symlinks as links
from leadline.sbom.layers.file_selector import FileSelector
from leadline.sbom.layers.scan import facts_of
from leadline.sbom.layers.scan_options import LayerScanOptions
from leadline.sbom.layers.stream import Forged
from leadline.sbom.layers.symlinks import follow_links
from leadline.sbom.layers.tree import MergedTree, merge
from leadline.sbom.run_cataloguers import catalogue


def followed(*held: Held, limits: Limits = Limits()) -> tuple[MergedTree, list[Unread]]:  # noqa: B008 - frozen
    reader = LayerScanOptions(FileSelector((names, whole)), limits)
    layers = [(one, facts_of(reader, one)) for one in held]
    tree = merge((one.diff_id, facts) for one, facts in layers)
    return tree, list(follow_links(tree, layers, reader))


def told(tree: MergedTree) -> dict[str, list[str]]:
    return {one.path: [package.name for package in one.facts.packages] for one in tree.standing()}


def test_name_that_is_a_link_is_read_where_it_leads() -> None:
    held = Held(layer({"list": "data/real", "data/real": b"x y"}))
    tree, unread = followed(held)
    assert (told(tree), unread, held.opened) == ({"list": ["x", "y"]}, [], 2)


def test_target_is_read_in_the_layer_that_it_stands_in() -> None:
    bottom, middle = Held(layer({"data": b"old"})), Held(layer({"data": b"new"}))
    top = Held(layer({"a/list": "/data"}))
    tree, _ = followed(bottom, middle, top)
    assert told(tree) == {"a/list": ["new"]}
    assert (bottom.opened, middle.opened, top.opened) == (1, 2, 1)


def test_reader_of_the_tree_finds_the_file_under_the_name_of_the_link() -> None:
    tree, _ = followed(Held(layer({"whole": "data", "data": b"7"})))
    assert [package.version for package in catalogue(tree, (whole,)).packages] == ["7"]


def test_target_that_is_read_anyway_is_not_read_twice() -> None:
    held = Held(
        layer({"a/list": "../b/list", "b/list": b"x", "c/list": "nowhere", "d/list": "/e", "e": None})
    )
    tree, unread = followed(held)
    assert (told(tree), unread, held.opened) == ({"b/list": ["x"]}, [], 1)


def test_several_links_to_one_file_are_read_once() -> None:
    tree, _ = followed(Held(layer({"a/list": "/data", "b/list": "/data", "data": b"x"})))
    assert told(tree) == {"a/list": ["x"]}


def test_links_beyond_the_limit_are_said_to_be_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MOST_FOLLOWED", 1)
    tree, unread = followed(Held(layer({"a/list": "/x", "b/list": "/y", "x": b"1", "y": b"2"})))
    assert told(tree) == {"a/list": ["1"]}
    assert unread == [Unread("b/list", "more than 1 links lead to files that were not read", "too large")]


def test_target_beyond_the_limit_is_unread() -> None:
    _, unread = followed(Held(layer({"list": "x", "x": b"12345"})), limits=Limits(kept_file_bytes=4))
    assert unread == [Unread("list", "too large to be kept in memory", "too large")]


def test_files_kept_for_links_are_bounded_together() -> None:
    content = layer({"a/whole": "/x", "b/whole": "/y", "x": b"1" * 60, "y": b"2" * 60})
    _, unread = followed(Held(content), limits=Limits(all_kept_bytes=100))
    assert unread == [Unread("b/whole", "too large to be kept in memory", "too large")]


def test_nothing_is_believed_of_a_layer_that_is_another_at_the_second_reading(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = Held(layer({"list": "x", "x": b"1"}))
    reader = LayerScanOptions(FileSelector((names,)))
    facts = facts_of(reader, held)
    tree = merge([("sha256:demo", facts)])

    def forged(_: object) -> None:
        raise Forged("another")

    monkeypatch.setattr("leadline.sbom.layers.tar.TarReader.finish", forged)
    unread = list(follow_links(tree, [(held, facts)], reader))
    assert unread == [Unread("layer sha256:demo", "another at the second reading", "incomplete")]
    assert told(tree) == {}
