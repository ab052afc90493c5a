"""Hard links under a name that is asked for, whose content passed before under a name that is not."""

from leadline.errors import SourceError
from leadline.model.unread import Unread
from leadline.packages.file import File
from leadline.sbom.image import Layer, layer_name
from leadline.sbom.layers.facts import LayerFacts, PathFacts
from leadline.sbom.layers.file_facts import extract_facts
from leadline.sbom.layers.file_selector import FileInterest
from leadline.sbom.layers.memory_budget import TOO_LARGE
from leadline.sbom.layers.scan_options import LayerScanOptions
from leadline.sbom.layers.stream import Damaged
from leadline.sbom.layers.tar import EntryReader

Lost = dict[str, list[str]]
"""From the path of a content to the links under which it is wanted."""


def add_links(scan_options: LayerScanOptions, facts: LayerFacts, layer: Layer, lost: Lost) -> None:
    """Reads the layer again for contents that passed before the name was known under which they are wanted.

    What the first reading found stays whatever becomes of the second, of which nothing is used unless it ends well:
    only its end shows that it was the same layer.
    """
    hint = ""
    try:
        with layer.open() as entries:
            found, too_large, dangling = _reread(scan_options, entries, lost)
    except SourceError as error:
        why, hint = str(error.args[0]), error.hint
    except Damaged as error:
        why = str(error)
    else:
        facts.facts.update(found)
        facts.unread += [Unread(path, TOO_LARGE, "too large") for path in too_large]
        facts.unread += [Unread(path, "a hard link to a link", "unsupported") for path in dangling]
        # Another image may have room for them.
        facts.is_whole = facts.is_whole and not too_large
        return
    links = sorted(path for paths in lost.values() for path in paths)
    count = f"{links[0]} was" if len(links) == 1 else f"{links[0]} and {len(links) - 1} more hard links were"
    name = layer_name(layer)
    facts.unread.append(
        Unread(name, f"{why} at the second reading; {count} not read", "incomplete", hint=hint)
    )
    facts.is_whole = False


def _reread(
    scan_options: LayerScanOptions, entries: EntryReader, lost: Lost
) -> tuple[dict[str, PathFacts], list[str], list[str]]:
    """What is found under the links, then one link of each content that had no room, and of each that did not come."""
    found: dict[str, PathFacts] = {}
    too_large: list[str] = []
    left = dict(lost)
    for entry in entries:
        if entry.kind != "file" or entry.path not in left:
            continue
        paths = left.pop(entry.path)
        if not scan_options.budget.reserve_file(scan_options.limits, entry.size):
            too_large.append(paths[0])
            continue
        content = entries.content()
        for path in paths:
            interest = scan_options.selector.of(path) or FileInterest()
            found[path] = (
                extract_facts(scan_options, File(path, content, entry.mode), interest) or PathFacts()
            )
    entries.finish()
    return found, too_large, [paths[0] for paths in left.values()]
