"""Layers merged into one tree of files, by the rules of
https://github.com/opencontainers/image-spec/blob/main/layer.md: what is above hides what is below.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from leadline.image.cataloguer import Distro, File
from leadline.image.layers import FILE, FOLDER, LINK, LayerFacts, PathFacts

MOST_LINKS = 40
"""As many as Linux follows before it says ``ELOOP``."""


class Standing(Struct, frozen=True):
    """A file of the merged tree that told something, and the layer that brought it."""

    path: str
    layer: str
    facts: PathFacts


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
        self._entries = entries
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
        """Every file that told something, kept or not."""
        return self._standing.values()

    def links(self) -> Iterator[str]:
        """Every symbolic link."""
        return (path for path, kind in self._entries.items() if kind.startswith(LINK))

    def add(self, more: Iterable[Standing]) -> None:
        """Files told of under the names of links."""
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
        todo = path.split("/")[::-1]
        done: list[str] = []
        links = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                done = done[:-1]
                continue
            kind = self._entries.get("/".join([*done, part]))
            if kind is None:
                return ""
            if not kind.startswith(LINK):
                done.append(part)
                continue
            links += 1
            if links > MOST_LINKS:
                return ""
            target = kind[len(LINK) :]
            if target.startswith("/"):
                done = []
            todo += target.split("/")[::-1]
        return "/".join(done)


def merge(layers: Iterable[tuple[str, LayerFacts]]) -> MergedTree:
    """The tree that ``layers`` (digest and content, bottom first) add up to."""
    entries: dict[str, str] = {}
    standing: dict[str, Standing] = {}
    for digest, layer in layers:
        if entries:
            layer = _through_links(entries, layer)
            _hide(entries, standing, layer)
        entries.update(layer.entries)
        for path in layer.facts:
            standing[path] = _standing(path, digest, layer)
    _drop_twins(standing)
    return MergedTree(entries, standing)


def _hide(entries: dict[str, str], standing: dict[str, Standing], layer: LayerFacts) -> None:
    """Takes away what ``layer`` deletes, hides or replaces."""
    hidden = set(layer.whiteouts)
    hidden.update(
        path for path, kind in layer.entries.items() if kind != FOLDER and entries.get(path) == FOLDER
    )
    for path in hidden:
        entries.pop(path, None)
        standing.pop(path, None)
    covers = dict.fromkeys(hidden, True)
    covers.update((folder, True) for folder in layer.opaque)
    if covers:
        for path in [path for path in entries if _is_below(path, covers)]:
            del entries[path]
            standing.pop(path, None)
    for path in standing.keys() & layer.entries.keys():
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


def _through_links(entries: dict[str, str], layer: LayerFacts) -> LayerFacts:
    """``layer`` with paths as they come out where a folder without an entry is a link in the layers below.

    An unpacker makes no folder there but follows the link.
    """
    lower = MergedTree(entries, {})
    moved = {
        folder: target
        for folder in layer.implied
        if entries.get(folder, "").startswith(LINK) and (target := lower.resolve(folder))
    }
    if not moved:
        return layer

    def real(path: str) -> str:
        for folder, target in moved.items():
            if path.startswith(folder + "/"):
                return target + path[len(folder) :]
        return path

    return LayerFacts(
        {real(path): kind for path, kind in layer.entries.items() if path not in moved},
        {real(path): facts for path, facts in layer.facts.items()},
        [real(path) for path in layer.whiteouts],
        [moved.get(path) or real(path) for path in layer.opaque],
        [],
        layer.unread,
        layer.size_bytes,
        layer.is_whole,
    )


def _standing(path: str, digest: str, layer: LayerFacts) -> Standing:
    """What ``path`` of ``layer`` told; a hard link tells what its target told."""
    facts = layer.facts[path]
    target = layer.facts.get(facts.link) if facts.link else None
    if target is None or target.link:
        return Standing(path, digest, facts)
    packages = tuple(replace(package, found_in=(path, *package.found_in[1:])) for package in target.packages)
    aliased = PathFacts(target.mode, target.content, packages, target.unread, target.secrets, facts.link)
    return Standing(path, digest, aliased)


def _drop_twins(standing: dict[str, Standing]) -> None:
    """Lets a file with several hard links in one layer tell its packages and secrets once."""
    for path, one in list(standing.items()):
        twin = standing.get(one.facts.link) if one.facts.link else None
        if twin is not None and twin.layer == one.layer:
            facts = PathFacts(one.facts.mode, one.facts.content)
            standing[path] = Standing(path, one.layer, facts)


def _row(one: Standing) -> tuple[str, bytes, int, str]:
    return one.path, one.facts.content or b"", one.facts.mode, one.layer


def _file(one: Standing) -> File | None:
    return None if one.facts.content is None else File(*_row(one))
