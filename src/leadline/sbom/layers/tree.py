"""Layers merged into one tree of files, by the rules of
https://github.com/opencontainers/image-spec/blob/main/layer.md: what is above hides what is below.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from leadline.model.package import Distro
from leadline.model.unread import Unread
from leadline.packages.file import File
from leadline.sbom.layers.facts import COVERED, FILE, FOLDER, HIDDEN, LINK, Hide, LayerFacts, PathFacts
from leadline.sbom.layers.unpacked import Lower, Origin, Standing, Unpacked

MOST_LINKS = 40
"""As many as Linux follows before it says ``ELOOP``."""


NOWHERE = MOST_LINKS + 1


class _Way:
    """A path on the way to where it leads."""

    __slots__ = ("at", "link", "links", "todo")

    def __init__(self, link: str, at: str, path: str, links: int = 0) -> None:
        """``path`` from ``at`` on; ``link`` is what says so, empty where it was asked for."""
        self.link = link
        self.at = at
        self.todo = path.split("/")[::-1]
        self.links = links
        """How many were followed."""


class MergedTree:
    """What is left of all layers. Reads as ``cataloguer.Tree``."""

    def __init__(
        self,
        entries: Mapping[str, str],
        standing: dict[str, Standing],
        distro: Distro | None = None,
    ) -> None:
        """``entries`` as in ``LayerFacts``."""
        self.distro = distro or Distro()
        self.moved: Mapping[str, Origin] = {}
        """Files of layers whose order counts, which may be elsewhere than their archive says."""
        self.unread: tuple[Unread, ...] = ()
        """Entries that cannot come out."""
        self._entries = entries
        self._followed: dict[str, tuple[str, int]] = {}
        """Where each link leads, and how many are followed on the way."""
        self._standing = standing
        self._kept = sorted(path for path, one in standing.items() if one.facts.content is not None)

    def get(self, path: str) -> File | None:
        """The kept file at ``path``, links followed within the tree."""
        if path not in self._standing:
            path = self.resolve(path)
        one = self._standing.get(path)
        return None if one is None else _file(one)

    def below(self, folder: str) -> Iterator[File]:
        """Every kept file at any depth below ``folder``, by path."""
        start = folder.rstrip("/") + "/"
        if self._entries.get(folder) != FOLDER:
            start = self.resolve(folder.rstrip("/")) + "/"
        for path in self._kept[bisect_left(self._kept, start) :]:
            if not path.startswith(start):
                return
            yield File(*_row(self._standing[path]))

    def exists(self, path: str) -> bool:
        """Whether the image has anything at ``path``, links followed."""
        return path in self._entries or self.resolve(path) in self._entries

    def kept(self) -> Iterator[File]:
        """Every kept file, by path."""
        for path in self._kept:
            yield File(*_row(self._standing[path]))

    def standing(self) -> Iterable[Standing]:
        """Every file in which something was found, kept or not."""
        return self._standing.values()

    def standing_at(self, path: str) -> Standing | None:
        """The file itself, no link followed, where something was found in it."""
        return self._standing.get(path)

    def links(self) -> Iterator[str]:
        """Every symbolic link."""
        return (path for path, kind in self._entries.items() if kind.startswith(LINK))

    def add(self, more: Iterable[Standing]) -> None:
        """Files known under the names of links."""
        for one in more:
            self._standing[one.path] = one
            if one.facts.content is not None:
                insort(self._kept, one.path)

    def is_file(self, path: str) -> bool:
        """Whether ``path`` itself, no link followed, is a regular file."""
        return self._entries.get(path) == FILE

    def resolve(self, path: str) -> str:
        """Where ``path`` leads to when every link is followed; empty where it leads nowhere or in circles."""
        kind = self._entries.get(path)
        if kind is not None and not kind.startswith(LINK):
            return path
        if kind is None and self._entries.get(path.rpartition("/")[0]) == FOLDER:
            return ""
        found = self._led(_Way("", "", path))
        return found.at if found.links <= MOST_LINKS else ""

    def _led(self, way: _Way) -> _Way:
        """``way`` at its end. Each link is followed once and kept: others may lead through it."""
        ways = [way]
        open_links: set[str] = set()
        while ways:
            way = ways[-1]
            link = self._next_link(way)
            if link in open_links:
                way.links = NOWHERE
                link = ""
            if link:
                open_links.add(link)
                target = self._entries[link][len(LINK) :]
                folder = "" if target.startswith("/") else link.rpartition("/")[0]
                ways.append(_Way(link, folder, target, 1))
                continue
            ways.pop()
            if way.link:
                self._followed[way.link] = (way.at, way.links)
                open_links.discard(way.link)
        return way

    def _next_link(self, way: _Way) -> str:
        """Goes on to the first link that was not followed yet; empty at the end."""
        while way.todo and way.links <= MOST_LINKS:
            part = way.todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                way.at = way.at.rpartition("/")[0]
                continue
            path = f"{way.at}/{part}" if way.at else part
            kind = self._entries.get(path)
            if kind is None:
                way.links = NOWHERE
            elif not kind.startswith(LINK):
                way.at = path
            elif path in self._followed:
                way.at, links = self._followed[path]
                way.links += links
            else:
                way.todo.append(part)
                return path
        return ""


def merge(layers: Iterable[tuple[str, LayerFacts]]) -> MergedTree:
    """The tree that ``layers`` (digest and content, bottom first) add up to."""
    entries: dict[str, str] = {}
    standing: dict[str, Standing] = {}
    moved: dict[str, Origin] = {}
    unread: list[Unread] = []
    for number, (digest, layer) in enumerate(layers):
        own, hides, elsewhere = layer.entries, layer.hides, {}
        if layer.steps is None:
            known = {path: _standing(path, digest, layer) for path in layer.facts}
        else:
            unpacked = Unpacked(number, digest, Lower(entries, standing, moved))
            unread += unpacked.apply(layer)
            own, hides, elsewhere = unpacked.entries(), unpacked.hides, unpacked.moved()
            known = unpacked.standing()
        if entries:
            _hide(entries, standing, own, hides)
        for path in moved.keys() & own.keys():
            del moved[path]
        entries.update(own)
        standing.update(known)
        moved.update(elsewhere)
    _drop_twins(standing)
    tree = MergedTree(entries, standing)
    tree.unread = tuple(unread)
    tree.moved = {path: origin for path, origin in moved.items() if entries.get(path) == FILE}
    return tree


def _hide(
    entries: dict[str, str], standing: dict[str, Standing], own: Mapping[str, str], hides: Iterable[Hide]
) -> None:
    """Takes away what a layer with the entries ``own`` deletes, hides or replaces."""
    hides = tuple(hides)
    hidden = {path for _, path, kind in hides if kind == HIDDEN}
    hidden.update(path for path, kind in own.items() if kind != FOLDER and entries.get(path) == FOLDER)
    folders = [path for path in hidden if entries.get(path) == FOLDER]
    folders += [path for _, path, kind in hides if kind == COVERED]
    for path in hidden:
        entries.pop(path, None)
        standing.pop(path, None)
    if folders:
        covers = dict.fromkeys(folders, True)
        for path in [path for path in entries if _is_below(path, covers)]:
            del entries[path]
            standing.pop(path, None)
    for path in standing.keys() & own.keys():
        del standing[path]


def _is_below(path: str, covers: dict[str, bool]) -> bool:
    """Whether a folder above ``path`` is covered; ``covers`` remembers every folder that was looked at."""
    seen = []
    folder = path.rpartition("/")[0]
    while (answer := covers.get(folder)) is None:
        seen.append(folder)
        if not folder:
            answer = False
            break
        folder = folder.rpartition("/")[0]
    for folder in seen:
        covers[folder] = answer
    return answer


def _standing(path: str, digest: str, layer: LayerFacts) -> Standing:
    """What was found in ``path`` of ``layer``; a hard link has what its target has."""
    facts = layer.facts[path]
    target = layer.facts.get(facts.link) if facts.link else None
    if target is None or target.link:
        return Standing(path, digest, facts)
    packages = tuple(replace(package, found_in=(path, *package.found_in[1:])) for package in target.packages)
    return Standing(path, digest, replace(target, packages=packages, link=facts.link))


def _drop_twins(standing: dict[str, Standing]) -> None:
    """Lets a file with several hard links count its packages and secrets once."""
    tellers: dict[tuple[str, str], str] = {}
    for path, one in list(standing.items()):
        first = one.facts.link
        if not first:
            continue
        twin = standing.get(first)
        is_there = twin is not None and twin.layer == one.layer and not twin.facts.link
        if is_there or tellers.setdefault((one.layer, first), path) != path:
            facts = PathFacts(one.facts.mode, one.facts.content)
            standing[path] = Standing(path, one.layer, facts)


def _row(one: Standing) -> tuple[str, bytes, int, str]:
    return one.path, one.facts.content or b"", one.facts.mode, one.layer


def _file(one: Standing) -> File | None:
    return None if one.facts.content is None else File(*_row(one))
