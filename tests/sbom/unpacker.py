"""Applies layers to a real file system, one call of the kernel after another, for tests to compare with."""
# ruff: noqa: PTH102, PTH108, PTH112, PTH114, PTH115, PTH118, PTH119, PTH120, PTH211

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

Step = tuple[str, str, str]
"""Kind (``file``, ``folder``, ``sym``, ``hard``), path, and content or target."""


class RefusedError(Exception):
    """No unpacker would take it."""


def laid_over(root: Path, layers: list[list[Step]]) -> dict[str, str]:
    """The files of an image whose layers are unpacked side by side and laid over one another by the kernel's rules.

    https://docs.kernel.org/filesystems/overlayfs.html
    """
    merged: dict[str, Path] = {}
    for number, steps in enumerate(layers):
        upper = Unpacker(root / str(number))
        upper.apply(steps)
        for path in [path for path in merged if upper.hides(path)]:
            del merged[path]
        for path, real in upper.paths():
            lower = merged.get(path)
            if lower is not None and not (is_folder(str(lower)) and is_folder(str(real))):
                for below in [below for below in merged if below.startswith(f"{path}/")]:
                    del merged[below]
            merged[path] = real
    return {
        path: real.read_text() for path, real in merged.items() if real.is_file() and not real.is_symlink()
    }


def is_folder(path: str) -> bool:
    return os.path.isdir(path) and not os.path.islink(path)


class Unpacker:
    """One layer in a folder of its own."""

    def __init__(self, root: Path) -> None:
        root.mkdir()
        self._root = str(root)
        self._gone: set[str] = set()
        self._covered: set[str] = set()

    def apply(self, steps: list[Step]) -> None:
        for kind, path, more in steps:
            folder, _, name = path.rpartition("/")
            if name.startswith(".wh."):
                self._hide(self._folder(folder, is_made=False), name[4:])
                continue
            at = os.path.join(self._folder(folder), name)
            target = ""
            if kind == "hard":
                target = os.path.join(self._folder(os.path.dirname(more)), os.path.basename(more))
                if f"{target}/".startswith(f"{at}/") or not os.path.lexists(target) or is_folder(target):
                    raise RefusedError
            if not (kind == "folder" and is_folder(at)):
                self._remove(at)
                self._make(kind, at, target or more)

    def hides(self, path: str) -> bool:
        """Whether ``path`` of a lower layer is deleted or covered."""
        parts = path.split("/")
        above = ["/".join(parts[:count]) for count in range(len(parts))]
        return bool({*above[1:], path} & self._gone or {*above} & self._covered)

    def paths(self) -> Iterator[tuple[str, Path]]:
        for folder, folders, names in os.walk(self._root):
            for name in (*folders, *names):
                yield os.path.relpath(os.path.join(folder, name), self._root), Path(folder, name)

    def _hide(self, folder: str, name: str) -> None:
        inside = os.path.relpath(folder, self._root)
        inside = "" if inside == "." else inside
        if name == ".wh..opq":
            self._covered.add(inside)
        else:
            self._gone.add(os.path.join(inside, name))

    def _make(self, kind: str, at: str, more: str) -> None:
        match kind:
            case "file":
                Path(at).write_text(more)
            case "folder":
                os.mkdir(at)
            case "sym":
                os.symlink(more, at)
            case "hard":
                os.link(more, at, follow_symlinks=False)

    def _remove(self, path: str) -> None:
        if is_folder(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)

    def _folder(self, path: str, is_made: bool = True) -> str:
        at, todo, links = self._root, path.split("/")[::-1], 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                at = os.path.dirname(at) if at != self._root else at
                continue
            below = os.path.join(at, part)
            if os.path.islink(below):
                links += 1
                if links > 255:
                    raise RefusedError
                target = os.readlink(below)
                at = self._root if target.startswith("/") else at
                todo += target.split("/")[::-1]
                continue
            if not os.path.lexists(below) and is_made:
                os.mkdir(below)
            elif not is_folder(below) and is_made:
                raise RefusedError
            at = below
        return at
