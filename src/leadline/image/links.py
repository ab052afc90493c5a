"""Files that a cataloguer asked for by a name which is a symbolic link to another name.

A layer goes by before it is known where its links lead, so their targets are read in a second pass over the
layers that hold them; most images have none.
"""

from collections.abc import Iterator, Sequence

from leadline.errors import SourceError
from leadline.image.cataloguer import File, Unread
from leadline.image.image import Layer
from leadline.image.layers import FILE, LayerFacts, PathFacts, Reader, told
from leadline.image.stream import Damaged, Forged
from leadline.image.tar import EntryReader
from leadline.image.tree import MergedTree, Standing
from leadline.image.wishes import Wish, Wishes

MOST_FOLLOWED = 1000
"""Of one image."""

Lost = dict[str, list[str]]
"""From a file to the links under which it is wanted."""


def follow_links(
    tree: MergedTree, layers: Sequence[tuple[Layer, LayerFacts]], reader: Reader
) -> Iterator[Unread]:
    """Adds to ``tree`` what is wanted under the names of links, and tells what could not be read."""
    left: Lost = {}
    for count, (link, real) in enumerate(_lost(tree, reader.wishes)):
        if count >= MOST_FOLLOWED:
            yield Unread(link, f"more than {MOST_FOLLOWED} links lead to files that were not read")
            break
        left.setdefault(real, []).append(link)
    for layer, facts in reversed(layers):
        here = {real: left.pop(real) for real in list(left) if facts.entries.get(real) == FILE}
        if here:
            yield from _read_again(tree, layer, here, reader)
    for real, links in left.items():
        yield Unread(links[0], f"leads to {real}, which was not read")


def _lost(tree: MergedTree, wishes: Wishes) -> Iterator[tuple[str, str]]:
    """Link and target, once for the same readers."""
    seen = set()
    for link in sorted({*wishes.paths(), *tree.links()}):
        wish = wishes.of(link)
        readers = wish.readers if wish else ()
        real = tree.resolve(link) if readers else ""
        if not real or real == link or not tree.is_file(real):
            continue
        there = wishes.of(real)
        if not set(readers) <= set(there.readers if there else ()) and (real, readers) not in seen:
            seen.add((real, readers))
            yield link, real


def _read_again(tree: MergedTree, layer: Layer, lost: Lost, reader: Reader) -> Iterator[Unread]:
    found: list[Standing] = []
    unread: list[Unread] = []
    try:
        with layer.open() as entries:
            for entry in entries:
                if entry.kind == "file" and entry.path in lost:
                    links = lost.pop(entry.path)
                    if entry.size > reader.limits.kept_file_bytes:
                        unread.append(Unread(links[0], "too large to be kept in memory"))
                        continue
                    found += _told(reader, layer, links, entries, entry.mode)
            entries.finish()
    except Forged as error:
        found = []
        unread.append(Unread(f"layer {layer.diff_id}", f"{error} at the second reading"))
    except SourceError as error:
        found = []
        unread.append(
            Unread(f"layer {layer.diff_id}", f"{error.args[0]} at the second reading", hint=error.hint)
        )
    except Damaged:
        # Already told at the first reading.
        pass
    tree.add(found)
    yield from unread
    for real, links in lost.items():
        yield Unread(links[0], f"leads to {real}, which was not read")


def _told(
    reader: Reader, layer: Layer, links: list[str], entries: EntryReader, mode: int
) -> Iterator[Standing]:
    content = entries.content()
    for link in links:
        wish = reader.wishes.of(link) or Wish()
        # The mode stands for set-uid files, which are told under their own name.
        file = File(link, content, mode & 0o777)
        yield Standing(
            link, layer.diff_id, told(reader, file, wish.readers, wish.is_kept, False) or PathFacts()
        )
