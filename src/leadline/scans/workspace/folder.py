"""The files of a folder as a scan reads them, those open in an editor with what is shown there."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from leadline.model.resource import joined
from leadline.model.unread import Unread
from leadline.scans.workspace.last_good import GoodText, good_text
from leadline.sources.boundary import boundary_of
from leadline.sources.manifests.files import FileListing, ManifestFile
from leadline.sources.manifests.reader import Contents, read_file
from leadline.sources.manifests.tree_stamp import stamp_of
from leadline.sources.regular_file import read_regular
from leadline.sources.yaml.parser import LIMITS, Memory

Stamp = tuple[int, int, int]


class FileState(Struct):
    """What is known of one file."""

    file: ManifestFile
    contents: Contents
    stamp: Stamp | None = None
    """Of what was read from disk; ``None`` for what an editor shows."""
    good: GoodText | None = None
    """Of a file that is open, or that broke since it was read."""

    @property
    def unread(self) -> tuple[Unread, ...]:
        return self.good.unread if self.good else tuple(self.contents.unread)


class Folder:
    """The texts of one folder. Says what changed; judges nothing."""

    def __init__(self, top: str) -> None:
        self.top = top
        self.files: dict[str, FileState] = {}
        """By path, as an origin has it."""
        self.open: dict[str, bytes] = {}
        """What editors show, by path likewise, whether the scan reads it or not."""
        self.texts: dict[str, bytes] = {}
        """What was judged in the place of what is on disk, by path likewise."""

    def path_of(self, file: str) -> str | None:
        """What an origin calls ``file``, absolute; ``None`` for one outside, also by a link."""
        try:
            inside = Path(file).relative_to(self.top)
        except ValueError:
            return None
        return joined(self.top, inside.as_posix()) if boundary_of(self.top).holds(file) else None

    def take(self, listing: FileListing, stamps: Mapping[str, Stamp]) -> set[str]:
        """Reads what is new or another on disk, and forgets what is gone; the paths of these."""
        # Not for longer: what is typed would be remembered for days.
        memory = Memory()
        there = {joined(listing.root, one.path): one for one in listing.files}
        changed = {path for path in self.files if path not in there}
        for path in changed:
            self._forget(path)
        for path, file in there.items():
            stamp, known = stamps.get(file.real), self.files.get(path)
            if path in self.open:
                if known is None:
                    self.show(path, file)
                    changed.add(path)
            elif known is None or known.stamp is None or known.stamp != stamp:
                self._read(path, file, stamp, memory)
                changed.add(path)
        return changed

    def show(self, path: str, file: ManifestFile | None = None) -> None:
        """Takes what an editor shows of a file that the scan reads."""
        known = self.files.get(path)
        if known is None and file is None:
            return
        before = known.good if known else None
        if known is not None and before is None:
            before = self._as_read(path, known)
        target = file or (known.file if known else None)
        if target is not None:
            good = good_text(self.open[path], target, self.top, Memory(), before)
            self.files[path] = FileState(target, good.contents, None, good)
            self.texts[path] = good.text

    def read_again(self, path: str) -> bool:
        """Takes what is on disk of a file that was open; false where it is there no more."""
        file = self.files[path].file
        found = stamp_of((file.real,))
        if not found:
            return False
        self._read(path, file, found.get(file.real), Memory())
        return True

    def tried(self, path: str, text: bytes) -> Contents:
        """What the file would hold with ``text``."""
        contents = Contents()
        read_file(contents, self.files[path].file, self.top, LIMITS, Memory(), text=text)
        return contents

    def _as_read(self, path: str, known: FileState) -> GoodText | None:
        """What is on disk as a text to fall back on; ``None`` where it cannot be read itself."""
        try:
            content = read_regular(known.file.real, LIMITS.size_bytes + 1)
        except OSError:
            return None
        return good_text(content, known.file, self.top, Memory(), None)

    def _read(self, path: str, file: ManifestFile, stamp: Stamp | None, memory: Memory) -> None:
        contents = Contents()
        read_file(contents, file, self.top, LIMITS, memory)
        self.files[path] = FileState(file, contents, stamp)
        self.texts.pop(path, None)

    def _forget(self, path: str) -> None:
        del self.files[path]
        self.texts.pop(path, None)
