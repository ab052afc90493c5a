"""What was found in one layer: its entries in their order, and what was found in its files."""

from msgspec import Struct, field

from leadline.model.package import Package
from leadline.model.unread import Unread

LAYER_FORM = 9
"""Raised whenever ``LayerFacts`` change their shape or meaning, so that cached layers are read again."""
FOLDER, FILE, DEVICE, LINK = "/", "", "?", "@"
HARD, HIDDEN, COVERED = "=", "-", "!"
"""Kinds of steps beyond those of entries: a hard link, a whiteout, an opaque folder."""


class PathFacts(Struct, array_like=True, omit_defaults=True):
    """What was found in one file of a layer."""

    mode: int = 0
    content: bytes | None = None
    """``None`` where nothing needs it any longer."""
    packages: tuple[Package, ...] = ()
    unread: tuple[Unread, ...] = ()
    secrets: tuple[str, ...] = ()
    link: str = ""
    """The path of the same layer that this is a hard link to."""
    digests: tuple[str, str] | None = None
    """SHA-1 and SHA-256, where they are wanted."""
    unlisted: str = ""
    """Of a program that does not say what it is made of: ``Rust programs without a list of crates``."""
    sums: bytes = b""
    """As ``ContentSums.digest``, of a file in which packages were found and that a distribution may list; empty for others, and for
    large ones among applications (``late_sums``); for dpkg's lists alone where apt was seen before the file."""


Step = tuple[str, str, str]
"""Path, kind (that of an entry, or ``=target``, ``-``, ``!``), and the key of what was found in the file."""


Hide = tuple[int, str, str]
"""How many entries came before, path, and kind: ``-`` a whiteout, ``!`` a folder whose lower content is hidden."""


class LayerFacts(Struct, array_like=True):
    """All that a scan needs to know of a layer; what the cache holds."""

    entries: dict[str, str] = field(default_factory=dict)
    """Path to ``""`` for a file, ``/`` folder, ``?`` device, ``@target`` symbolic link."""
    facts: dict[str, PathFacts] = field(default_factory=dict)
    hides: list[Hide] = field(default_factory=list)
    implied: set[str] = field(default_factory=set)
    """Folders without an entry of their own."""
    unread: list[Unread] = field(default_factory=list)
    size_bytes: int = 0
    weight: int = 0
    """How many entries it had, with those that stood twice; long paths count as several."""
    is_whole: bool = True
    """False where the layer could not be read to its end."""
    searched: int = 0
    """Files that were searched for credentials."""
    too_large: int = 0
    """Files that were not, for their size."""
    filled: int = 0
    """Files that were not, since packages fill their folder."""
    classes: int = 0
    """Java classes outside of archives."""
    steps: list[Step] | None = None
    """Every entry in its order, where that matters: some lie below a link of the same layer, or replace a folder."""


def path_of(key: str) -> str:
    """The path of facts: their key has a number behind it where a path may be in several steps."""
    return key.partition("\0")[0]


def steps_of(layer: LayerFacts) -> list[Step]:
    """What ``layer`` does, in an order that comes to the same as that of its archive."""
    steps: list[Step] = []
    hides = layer.hides[::-1]
    for count, (path, kind) in enumerate(layer.entries.items()):
        while hides and hides[-1][0] <= count:
            steps.append((*hides.pop()[1:], ""))
        if path not in layer.implied:
            facts = layer.facts.get(path) if kind == FILE else None
            steps.append((path, HARD + facts.link if facts and facts.link else kind, path))
    return steps + [(path, kind, "") for _, path, kind in reversed(hides)]
