"""Applies layers to a real file system, one call of the kernel after another, for tests to compare with."""
# ruff: noqa: PTH102, PTH108, PTH112, PTH114, PTH115, PTH118, PTH119, PTH120, PTH208, PTH211

import os
import shutil
from pathlib import Path

Step = tuple[str, str, str]
"""Kind (``file``, ``folder``, ``sym``, ``hard``), path, and content or target."""


class RefusedError(Exception):
    """No unpacker would take it."""


class Unpacker:
    """The same on a real file system, one call of the kernel after another."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)

    def apply(self, steps: list[Step]) -> None:
        self._brought: set[str] = set()
        for kind, path, more in steps:
            folder, _, name = path.rpartition("/")
            if name.startswith(".wh."):
                self._hide(self._folder(folder, is_made=False), name[4:])
                continue
            at = os.path.join(self._folder(folder), name)
            target = (
                os.path.join(self._folder(os.path.dirname(more)), os.path.basename(more))
                if kind == "hard"
                else ""
            )
            if kind == "hard" and (
                f"{target}/".startswith(f"{at}/") or not os.path.lexists(target) or self._is_folder(target)
            ):
                raise RefusedError
            if not (kind == "folder" and self._is_folder(at)):
                self._remove(at)
                self._make(kind, at, target or more)
            while len(at) > len(self._root):
                self._brought.add(at)
                at = os.path.dirname(at)

    def files(self) -> dict[str, str]:
        found = {}
        for folder, _, names in os.walk(self._root):
            for name in names:
                path = Path(folder, name)
                if not path.is_symlink():
                    found[str(path.relative_to(self._root))] = path.read_text()
        return found

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

    def _hide(self, folder: str, name: str) -> None:
        if not self._is_folder(folder):
            return
        paths = [os.path.join(folder, one) for one in os.listdir(folder)]
        for path in paths if name == ".wh..opq" else [os.path.join(folder, name)]:
            self._remove_lower(path)

    def _remove_lower(self, path: str) -> None:
        if path not in self._brought:
            self._remove(path)
        elif self._is_folder(path):
            for name in os.listdir(path):
                self._remove_lower(os.path.join(path, name))

    def _remove(self, path: str) -> None:
        if self._is_folder(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)

    def _is_folder(self, path: str) -> bool:
        return os.path.isdir(path) and not os.path.islink(path)

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
            elif not self._is_folder(below) and is_made:
                raise RefusedError
            at = below
        return at
