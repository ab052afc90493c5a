"""Layers laid over one another entry by entry, as an unpacker does.

For layers whose order matters: with entries below links, of this layer or of a lower one, with folders that are
replaced by something else, or with hard links to a lower layer. The parent of an entry is looked up with every
link followed, itself not; what a layer hides is what the layers below it brought.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from leadline.image.cataloguer import Unread
from leadline.image.layer_facts import (
    FILE,
    FOLDER,
    HARD,
    LINK,
    LayerFacts,
    PathFacts,
    Step,
    steps_of,
)

MOST_FOLLOWED = 255
"""As many links as unpackers follow on the way to one entry."""


class Standing(Struct, frozen=True):
    """A file of the merged tree that told something, and the layer that brought it."""

    path: str
    layer: str
    facts: PathFacts


class Origin(Struct, frozen=True, gc=False):
    """Where a file's content is found again."""

    layer: int
    """Counted from the bottom: the topmost that may hold it."""
    path: str
    """As its archive says it."""


class _Leaf:
    """Whatever is no folder."""

    __slots__ = ("kind", "layer", "origin", "standing")

    def __init__(self, kind: str, layer: int, origin: Origin, standing: Standing | None) -> None:
        self.kind = kind
        self.layer = layer
        self.origin = origin
        self.standing = standing


class _Folder:
    __slots__ = ("layer", "names", "start")

    def __init__(self, layer: int, start: str) -> None:
        """``start`` is what the paths below begin with."""
        self.layer = layer
        self.start = start
        self.names: dict[str, _Leaf | _Folder] = {}


class Unpacked:
    """The files of all layers so far."""

    def __init__(self, entries: Mapping[str, str], standing: Mapping[str, Standing], layers: int) -> None:
        """``entries`` and ``standing`` as ``layers`` layers left them, none of them below a link."""
        self._root = _Folder(-1, "")
        self._layer = layers - 1
        self._digest = ""
        for path, kind in entries.items():
            if kind == FOLDER:
                self._make(path)
            else:
                self._put(path, _Leaf(kind, self._layer, Origin(self._layer, path), standing.get(path)))

    def apply(self, digest: str, layer: LayerFacts) -> Iterator[Unread]:
        """Lays the next layer over all before, and tells which entries cannot come out."""
        self._layer += 1
        self._digest = digest
        for step in steps_of(layer) if layer.steps is None else layer.steps:
            path, kind, _ = step
            match kind[:1]:
                case "/":
                    self._make(path)
                case "-":
                    self._hide(path)
                case "!":
                    self._cover(path)
                case "=":
                    if not self._link(layer, step):
                        yield Unread(path, f"a hard link to {kind[len(HARD) :]}, which is no file")
                case _:
                    self._put(path, self._leaf(layer, step))

    def entries(self) -> dict[str, str]:
        """As ``LayerFacts.entries``."""
        return {path: FOLDER if isinstance(one, _Folder) else one.kind for path, one in self._all()}

    def standing(self) -> dict[str, Standing]:
        """By path; what stands elsewhere than its archive says is told of where it stands."""
        return {
            path: one.standing
            for path, one in self._all()
            if isinstance(one, _Leaf) and one.standing is not None
        }

    def moved(self) -> dict[str, Origin]:
        """Files that stand elsewhere than their archive says."""
        return {
            path: one.origin
            for path, one in self._all()
            if isinstance(one, _Leaf) and one.kind == FILE and one.origin.path != path
        }

    def _all(self) -> Iterator[tuple[str, "_Leaf | _Folder"]]:
        waiting = [self._root]
        while waiting:
            folder = waiting.pop()
            for name, one in folder.names.items():
                yield folder.start + name, one
                if isinstance(one, _Folder):
                    waiting.append(one)

    def _leaf(self, layer: LayerFacts, step: Step) -> _Leaf:
        path, kind, key = step
        facts = layer.facts.get(key) if kind == FILE else None
        standing = None if facts is None else Standing(path, self._digest, facts)
        return _Leaf(kind, self._layer, Origin(self._layer, path), standing)

    def _link(self, layer: LayerFacts, step: Step) -> bool:
        """Whether there is something to link to."""
        path, kind, key = step
        target = self._find(kind[len(HARD) :])
        facts = layer.facts.get(key)
        if target is None:
            self._put(path, self._leaf(layer, (path, FILE, key)))
            return False
        standing = target.standing
        if facts is not None and not facts.link:
            standing = Standing(path, self._digest, facts)
        elif standing is not None:
            linked = replace(standing.facts, link=standing.facts.link or standing.path)
            standing = Standing(standing.path, standing.layer, linked)
        self._put(path, _Leaf(target.kind, self._layer, target.origin, standing))
        return True

    def _find(self, path: str) -> _Leaf | None:
        """What stands at ``path``, links followed on the way; ``None`` where it is a folder or nothing."""
        folder, _, name = path.rpartition("/")
        found = self._way(folder, is_made=False)
        one = found[-1].names.get(name) if found else None
        return one if isinstance(one, _Leaf) else None

    def _make(self, path: str) -> None:
        name = path.rpartition("/")[2]
        folder = self._folder(path[: -len(name)])
        one = folder.names.get(name)
        if isinstance(one, _Folder):
            one.layer = self._layer
        else:
            folder.names[name] = _Folder(self._layer, f"{folder.start}{name}/")

    def _put(self, path: str, leaf: _Leaf) -> None:
        name = path.rpartition("/")[2]
        folder = self._folder(path[: -len(name)])
        folder.names[name] = leaf
        if leaf.standing is not None:
            leaf.standing = _at(folder.start + name, leaf.standing)

    def _hide(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        way = self._way(folder, is_made=False)
        one = way[-1].names.get(name) if way else None
        if isinstance(one, _Folder):
            self._prune(one)
        if one is not None and one.layer != self._layer:
            del way[-1].names[name]

    def _cover(self, path: str) -> None:
        way = self._way(path, is_made=False)
        if way:
            self._prune(way[-1])

    def _prune(self, folder: _Folder) -> None:
        """Lets go of all below ``folder`` that this layer has not brought."""
        waiting = [folder]
        while waiting:
            names = waiting.pop().names
            for name, one in list(names.items()):
                if one.layer != self._layer:
                    del names[name]
                elif isinstance(one, _Folder):
                    waiting.append(one)

    def _folder(self, path: str) -> _Folder:
        """The folder at ``path``, links followed, made where there is none."""
        way = self._way(path, is_made=True)
        for folder in way:
            folder.layer = self._layer
        return way[-1]

    def _way(self, path: str, is_made: bool) -> list[_Folder]:
        """Every folder from the root to ``path``, links followed; empty where one is missing and none is made."""
        way = [self._root]
        todo = path.split("/")[::-1]
        links = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                way = way[:-1] or way
                continue
            one = way[-1].names.get(part)
            if isinstance(one, _Leaf) and one.kind[:1] == LINK and links < MOST_FOLLOWED:
                links += 1
                target = one.kind[len(LINK) :]
                if target.startswith("/"):
                    del way[1:]
                todo += target.split("/")[::-1]
                continue
            if not isinstance(one, _Folder):
                if not is_made:
                    return []
                one = way[-1].names[part] = _Folder(self._layer, f"{way[-1].start}{part}/")
            way.append(one)
        return way


def _at(path: str, one: Standing) -> Standing:
    if one.path == path:
        return one
    facts = one.facts
    packages = tuple(
        replace(package, found_in=(path, *package.found_in[1:]))
        if package.found_in[:1] == (one.path,)
        else package
        for package in facts.packages
    )
    return Standing(path, one.layer, replace(facts, packages=packages))
