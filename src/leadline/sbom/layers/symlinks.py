"""Files that a cataloguer asked for by a name which is a symbolic link to another name.

A layer goes by before it is known where its links lead, so their targets are read in a second pass over the
layers that hold them; most images have none.
"""

from collections.abc import Callable, Collection, Iterator, Sequence

from leadline.errors import SourceError
from leadline.model.unread import Unread
from leadline.packages.file import File
from leadline.sbom.image import Layer, layer_name
from leadline.sbom.layers.facts import FILE, LayerFacts, PathFacts
from leadline.sbom.layers.file_facts import extract_facts
from leadline.sbom.layers.file_selector import FileInterest, FileSelector
from leadline.sbom.layers.memory_budget import TOO_LARGE
from leadline.sbom.layers.scan_options import LayerScanOptions
from leadline.sbom.layers.stream import Damaged, Forged
from leadline.sbom.layers.tar import EntryReader, TarEntry
from leadline.sbom.layers.tree import MergedTree
from leadline.sbom.layers.unpacked import LAST, Origin, Standing

MOST_FOLLOWED = 1000
"""Of one image."""

Place = tuple[str, int]
"""A file as its archive calls it, and as in ``Origin.turn``."""
Lost = dict[Place, list[str]]
"""From a file to the names under which it is wanted."""
Read = Sequence[tuple[Layer, LayerFacts]]


def follow_links(tree: MergedTree, layers: Read, scan_options: LayerScanOptions) -> Iterator[Unread]:
    """Adds to ``tree`` what is wanted under the names of links, and reports what could not be read."""
    left: dict[int, Lost] = {}
    for count, (link, real) in enumerate(_lost(tree, scan_options.selector)):
        if count >= MOST_FOLLOWED:
            yield Unread(
                link, f"more than {MOST_FOLLOWED} links lead to files that were not read", "too large"
            )
            break
        found = source_of(tree, layers, real)
        if found is None:
            yield Unread(link, f"leads to {real}, which was not read", "missing")
        else:
            left.setdefault(found.layer, {}).setdefault((found.path, found.turn), []).append(link)
    for number in sorted(left, reverse=True):
        yield from _read_again(tree, layers[number][0], left[number], scan_options)


def source_of(tree: MergedTree, layers: Read, real: str) -> Origin | None:
    """Where the content of ``real`` lies, the first of several hard links taken; ``None`` where nowhere."""
    origin = tree.moved.get(real, Origin(len(layers) - 1, real))
    if origin.turn != LAST:
        return origin
    for number in range(origin.layer, -1, -1):
        facts = layers[number][1]
        path = origin.path
        # Of a layer whose order counts, ``moved`` has every file that comes out.
        if facts.steps is None and facts.entries.get(path) == FILE:
            one = facts.facts.get(path)
            return Origin(number, one.link if one and one.link else path)
    return None


def _lost(tree: MergedTree, selector: FileSelector) -> Iterator[tuple[str, str]]:
    """Name and file, once for the same readers: of links, and of files read under another name than they have."""
    seen = set()
    for link in sorted({*selector.paths(), *tree.links(), *tree.moved}):
        interest = selector.of(link)
        if interest is None or not (interest.readers or link in selector.exact_paths or link in tree.moved):
            continue
        readers, real = interest.readers, tree.resolve(link)
        if not real or not tree.is_file(real) or (real == link and real not in tree.moved):
            continue
        there = selector.of(tree.moved[real].path if real in tree.moved else real)
        is_read = there and set(readers) <= set(there.readers) and there.is_kept >= interest.is_kept
        if not is_read and (real, readers) not in seen:
            seen.add((real, readers))
            yield link, real


def _read_again(
    tree: MergedTree, layer: Layer, lost: Lost, scan_options: LayerScanOptions
) -> Iterator[Unread]:
    found: dict[Place, tuple[Standing, ...]] = {}
    unread: list[Unread] = []

    def take(places: Sequence[Place], entry: TarEntry, entries: EntryReader) -> None:
        links = [link for place in places for link in lost[place]]
        found.update(dict.fromkeys(places, ()))
        if not scan_options.budget.reserve_file(scan_options.limits, entry.size):
            unread.append(Unread(links[0], TOO_LARGE, "too large"))
            return
        content = entries.content()
        for place in places:
            found[place] = tuple(_standings(scan_options, layer, lost[place], content, entry.mode))

    why = second_reading(layer, lost, take)
    if why is not None:
        yield from (*unread, why)
        return
    tree.add(one for standing in found.values() for one in standing)
    yield from unread
    for place, links in lost.items():
        if place not in found:
            yield Unread(links[0], f"leads to {place[0]}, which was not read", "missing")


def second_reading(
    layer: Layer, wanted: Collection[Place], take: Callable[[Sequence[Place], TarEntry, EntryReader], None]
) -> Unread | None:
    """Calls ``take`` for each file of ``layer`` that is one of ``wanted``, with those that it is; of a last one with each that may be.

    Answers why nothing of it may be used; ``None`` where it may. What is damaged was reported at the first reading.
    """
    name = layer_name(layer)
    paths = {path for path, _ in wanted}
    turns = dict.fromkeys(paths, -1)
    try:
        with layer.open() as entries:
            for entry in entries:
                if entry.kind == "file" and entry.path in paths:
                    turns[entry.path] += 1
                    places = ((entry.path, turns[entry.path]), (entry.path, LAST))
                    if found := [place for place in places if place in wanted]:
                        take(found, entry, entries)
            entries.finish()
    except Forged as error:
        return Unread(name, f"{error} at the second reading", "incomplete")
    except SourceError as error:
        return Unread(name, f"{error.args[0]} at the second reading", "unreachable", hint=error.hint)
    except OSError as error:
        return Unread(name, f"{error.strerror or error} at the second reading", "incomplete")
    except Damaged:
        pass
    return None


def _standings(
    scan_options: LayerScanOptions, layer: Layer, links: list[str], content: bytes, mode: int
) -> Iterator[Standing]:
    for link in links:
        interest = scan_options.selector.of(link) or FileInterest()
        # The mode represents set-uid files, which are reported under their own name.
        file = File(link, content, mode & 0o777)
        yield Standing(link, layer.diff_id, extract_facts(scan_options, file, interest) or PathFacts())
