"""Files that a cataloguer asked for by a name which is a symbolic link to another name.

A layer goes by before it is known where its links lead, so their targets are read in a second pass over the
layers that hold them; most images have none.
"""

from collections.abc import Callable, Container, Iterator, Sequence

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
from leadline.sbom.layers.unpacked import Origin, Standing

MOST_FOLLOWED = 1000
"""Of one image."""

Lost = dict[str, list[str]]
"""From a file, as its archive calls it, to the names under which it is wanted."""
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
            left.setdefault(found.layer, {}).setdefault(found.path, []).append(link)
    for number in sorted(left, reverse=True):
        yield from _read_again(tree, layers[number][0], left[number], scan_options)


def source_of(tree: MergedTree, layers: Read, real: str) -> Origin | None:
    """Where the content of ``real`` lies, the first of several hard links taken; ``None`` where nowhere."""
    origin = tree.moved.get(real, Origin(len(layers) - 1, real))
    for number in range(origin.layer, -1, -1):
        facts = layers[number][1]
        path = origin.path
        if facts.entries.get(path) == FILE:
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
    found: dict[str, tuple[Standing, ...]] = {}
    unread: list[Unread] = []

    def take(entry: TarEntry, entries: EntryReader) -> None:
        links = lost[entry.path]
        if not scan_options.budget.reserve_file(scan_options.limits, entry.size):
            unread.append(Unread(links[0], TOO_LARGE, "too large"))
            found[entry.path] = ()
            return
        found[entry.path] = tuple(_standings(scan_options, layer, links, entries, entry.mode))

    why = second_reading(layer, lost, take)
    if why is not None:
        yield from (*unread, why)
        return
    tree.add(one for standing in found.values() for one in standing)
    yield from unread
    for path, links in lost.items():
        if path not in found:
            yield Unread(links[0], f"leads to {path}, which was not read", "missing")


def second_reading(
    layer: Layer, paths: Container[str], take: Callable[[TarEntry, EntryReader], None]
) -> Unread | None:
    """Calls ``take`` for each file of ``layer`` that is called as one of ``paths``.

    Answers why nothing of it may be used; ``None`` where it may. What is damaged was reported at the first reading.
    """
    name = layer_name(layer)
    try:
        with layer.open() as entries:
            for entry in entries:
                if entry.kind == "file" and entry.path in paths:
                    take(entry, entries)
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
    scan_options: LayerScanOptions, layer: Layer, links: list[str], entries: EntryReader, mode: int
) -> Iterator[Standing]:
    content = entries.content()
    for link in links:
        interest = scan_options.selector.of(link) or FileInterest()
        # The mode represents set-uid files, which are reported under their own name.
        file = File(link, content, mode & 0o777)
        yield Standing(link, layer.diff_id, extract_facts(scan_options, file, interest) or PathFacts())
