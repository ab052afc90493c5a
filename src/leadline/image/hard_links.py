"""Hard links under a name that somebody asks for, whose content passed before under a name that nobody does."""

from leadline.errors import SourceError
from leadline.image.cataloguer import File, Unread
from leadline.image.file_facts import told
from leadline.image.image import Layer, layer_name
from leadline.image.layer_facts import LayerFacts, PathFacts
from leadline.image.reader import Reader
from leadline.image.stream import Damaged
from leadline.image.tar import EntryReader
from leadline.image.wishes import Wish

TOO_LARGE = "too large to be kept in memory"
Lost = dict[str, list[str]]
"""From the path of a content to the links under which it is wanted."""


def add_links(reader: Reader, facts: LayerFacts, layer: Layer, lost: Lost) -> None:
    """Reads the layer again for contents that passed before the name was known under which they are wanted.

    What the first reading told stays whatever becomes of the second, of which nothing is used unless it ends well:
    only its end shows that it was the same layer.
    """
    hint = ""
    try:
        with layer.open() as entries:
            found, unread = _reread(reader, entries, lost)
    except SourceError as error:
        why, hint = str(error.args[0]), error.hint
    except Damaged as error:
        why = str(error)
    else:
        facts.facts.update(found)
        facts.unread += unread
        facts.is_whole = facts.is_whole and all(one.why != TOO_LARGE for one in unread)
        return
    links = sorted(path for paths in lost.values() for path in paths)
    count = f"{links[0]} was" if len(links) == 1 else f"{links[0]} and {len(links) - 1} more hard links were"
    name = layer_name(layer)
    facts.unread.append(Unread(name, f"{why} at the second reading; {count} not read", hint=hint))
    facts.is_whole = False


def _reread(reader: Reader, entries: EntryReader, lost: Lost) -> tuple[dict[str, PathFacts], list[Unread]]:
    found: dict[str, PathFacts] = {}
    unread: list[Unread] = []
    left = dict(lost)
    for entry in entries:
        if entry.kind != "file" or entry.path not in left:
            continue
        paths = left.pop(entry.path)
        if not reader.room.keeps(reader.limits, entry.size):
            unread.append(Unread(paths[0], TOO_LARGE))
            continue
        content = entries.content()
        for path in paths:
            wish = reader.wishes.of(path) or Wish()
            file = File(path, content, entry.mode)
            found[path] = told(reader, file, wish) or PathFacts()
    entries.finish()
    return found, unread + [Unread(paths[0], "a hard link to a link") for paths in left.values()]
