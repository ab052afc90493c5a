"""One layer unpacked entry by entry, as an unpacker does, where the order of its archive matters.

That is where entries lie below links of the same layer, where a folder is replaced by something else or a path
is twice, and with hard links that are not to a file of the layer. The parent of an entry is looked up with every
link followed, itself not. Links of lower layers are not followed: runtimes unpack each layer into a folder of its own
and let the kernel lay them over one another.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.unread import Unread
from leadline.sbom.layers.facts import (
    COVERED,
    FILE,
    FOLDER,
    HARD,
    LINK,
    Hide,
    LayerFacts,
    PathFacts,
    Step,
)

LAST = -1
"""The file of a path that an archive has last."""
MOST_FOLLOWED = 255
"""As many links as unpackers follow on the way to one entry."""


class Standing(Struct, frozen=True):
    """A file of the merged tree in which something was found, and the layer that brought it."""

    path: str
    layer: str
    facts: PathFacts


class Origin(Struct, frozen=True, gc=False):
    """Where a file's content is found again."""

    layer: int
    """Counted from the bottom: the topmost that may hold it."""
    path: str
    """As its archive says it."""
    turn: int = LAST
    """Which file of that path in the archive, counted from 0."""


class Lower(Struct, frozen=True):
    """What all layers below add up to."""

    entries: Mapping[str, str]
    standing: Mapping[str, Standing]
    moved: Mapping[str, Origin]


class _Leaf:
    """Whatever is not a folder."""

    __slots__ = ("first", "kind", "origin", "standing")

    def __init__(
        self, kind: str, origin: Origin, standing: Standing | None, first: "_Leaf | None" = None
    ) -> None:
        """``first``: what a hard link leads to, where it is one."""
        self.kind = kind
        self.origin = origin
        self.standing = standing
        self.first = first


class _Folder:
    __slots__ = ("names", "start")

    def __init__(self, start: str) -> None:
        """``start`` is what the paths below begin with."""
        self.start = start
        self.names: dict[str, _Leaf | _Folder] = {}


class Unpacked:
    """What one layer comes to."""

    def __init__(self, number: int, digest: str, lower: Lower) -> None:
        """``number`` counts the layers below."""
        self._number = number
        self._digest = digest
        self._lower = lower
        self._root = _Folder("")
        self._turns: dict[str, int] = {}
        """How many files of a path came so far."""
        self.hides: list[Hide] = []
        """As ``LayerFacts.hides``."""

    def apply(self, layer: LayerFacts) -> Iterator[Unread]:
        """Unpacks all of ``layer``, and reports which entries cannot come out."""
        for step in layer.steps or ():
            path, kind, _ = step
            match kind[:1]:
                case "/":
                    self._make(path)
                case "-" | "!":
                    self.hides.append((0, self._named(path, kind), kind))
                case "=":
                    if not self._link(layer, step):
                        yield Unread(
                            path, f"a hard link to {kind[len(HARD) :]}, which is not a file", "missing"
                        )
                case _:
                    self._put(path, self._leaf(layer, step))

    def entries(self) -> dict[str, str]:
        """As ``LayerFacts.entries``."""
        return {path: FOLDER if isinstance(one, _Folder) else one.kind for path, one in self._all()}

    def standing(self) -> dict[str, Standing]:
        """By path; what is elsewhere than its archive says is reported where it is."""
        return {
            path: self._without_stale_link(one, one.standing)
            for path, one in self._all()
            if isinstance(one, _Leaf) and one.standing is not None
        }

    def _without_stale_link(self, leaf: _Leaf, standing: Standing) -> Standing:
        """``standing``, and no link to a path where something else is by now."""
        link = standing.facts.link
        if not link or standing.layer != self._digest or self._find(link) is (leaf.first or leaf):
            return standing
        return replace(standing, facts=replace(standing.facts, link=f"{link}\0{leaf.origin.turn}"))

    def moved(self) -> dict[str, Origin]:
        """Every file: it may be elsewhere than its archive says, or not the only one of its path."""
        return {path: one.origin for path, one in self._all() if isinstance(one, _Leaf) and one.kind == FILE}

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
        turn = LAST
        if kind == FILE:
            self._turns[path] = turn = self._turns.get(path, -1) + 1
        return _Leaf(kind, Origin(self._number, path, turn), standing)

    def _link(self, layer: LayerFacts, step: Step) -> bool:
        """Whether there is something to link to."""
        path, kind, key = step
        target = self._find(kind[len(HARD) :]) or self._find_below(kind[len(HARD) :])
        facts = layer.facts.get(key)
        if target is None:
            alone = None if facts is None else Standing(path, self._digest, facts)
            self._put(path, _Leaf(FILE, Origin(self._number, path), alone))
            return False
        standing = target.standing
        if facts is not None and not facts.link:
            standing = Standing(path, self._digest, facts)
        elif standing is not None:
            linked = replace(standing.facts, link=standing.facts.link or standing.path)
            standing = Standing(standing.path, standing.layer, linked)
        self._put(path, _Leaf(target.kind, target.origin, standing, target.first or target))
        return True

    def _find_below(self, path: str) -> _Leaf | None:
        """What the layers below have at ``path``; ``None`` where it is a folder or nothing."""
        lower = self._lower
        kind = lower.entries.get(path, FOLDER)
        if kind == FOLDER:
            return None
        origin = lower.moved.get(path) or Origin(self._number - 1, path)
        return _Leaf(kind, origin, lower.standing.get(path))

    def _find(self, path: str) -> _Leaf | None:
        """What is at ``path``, links followed on the way; ``None`` where it is a folder or nothing."""
        folder, _, name = path.rpartition("/")
        one = self._way(folder, is_made=False)[-1].names.get(name)
        return one if isinstance(one, _Leaf) else None

    def _make(self, path: str) -> None:
        name = path.rpartition("/")[2]
        folder = self._folder(path[: -len(name)])
        if not isinstance(folder.names.get(name), _Folder):
            folder.names[name] = _Folder(f"{folder.start}{name}/")

    def _put(self, path: str, leaf: _Leaf) -> None:
        name = path.rpartition("/")[2]
        folder = self._folder(path[: -len(name)])
        folder.names[name] = leaf
        if leaf.standing is not None:
            leaf.standing = _at(folder.start + name, leaf.standing)

    def _named(self, path: str, kind: str) -> str:
        """``path`` of what is hidden, links of this layer followed; itself none where it is what is deleted."""
        folder, _, name = (path, "", "") if kind == COVERED else path.rpartition("/")
        real = self._way(folder, is_made=False)[-1].start.rstrip("/")
        return f"{real}/{name}" if real and name else real or name

    def _folder(self, path: str) -> _Folder:
        """The folder at ``path``, links followed, made where there is none."""
        return self._way(path, is_made=True)[-1]

    def _way(self, path: str, is_made: bool) -> list[_Folder]:
        """Every folder from the root to ``path``, links followed; what is missing is made, or only thought of."""
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
                one = _Folder(f"{way[-1].start}{part}/")
                if is_made:
                    way[-1].names[part] = one
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
