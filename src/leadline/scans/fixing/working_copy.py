"""A copy of what is scanned, to try edits in, and the way back into the files themselves."""

import os
import shutil
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from leadline.errors import SourceError, StoreError, UsageError
from leadline.outputs.text.patch import FixedFile, Hide
from leadline.scans.options import ChartOptions
from leadline.scans.posture.reading import STDIN
from leadline.sources.boundary import boundary_of
from leadline.sources.git.revision import OldFiles
from leadline.sources.manifests.files import FILLED_BY_TOOLS, absolute, root_of
from leadline.sources.regular_file import read_regular
from leadline.sources.rendering.plan.kept import KeptRenders
from leadline.sources.yaml.parser import LIMITS
from leadline.whole_file import WholeFile

_MOST_FILES = 100_000
_MOST_BYTES = 2 << 30


class WorkingCopy:
    """The files below the targets, in a folder of their own."""

    def __init__(self, targets: Sequence[str], place: Path, values: Sequence[str] = ()) -> None:
        """Copies; ``place`` is an empty folder. ``values`` are files that lie anywhere.

        Raises: ``UsageError`` for targets that are not files, ``SourceError`` where there is too much of it.
        """
        if STDIN in targets or not targets:
            raise UsageError("only files can be fixed", hint="name a file or a folder")
        self._named = root_of(targets)
        self._top = Path(os.path.realpath(absolute(self._named)))
        self._copy = place / "tree"
        self._copy.mkdir()
        self._beside: dict[str, tuple[str, str]] = {}
        """Files of the copy that lie outside of the targets, as the user names them and as they are."""
        self._files = 0
        self._bytes = 0
        self._first: dict[str, bytes] = {}
        """What files held that may be edited."""
        self._before: dict[str, bytes] = {}
        """What they hold once no edit of the present pass is made."""
        self._held: dict[str, bytes] = {}
        """What edited files hold in the copy now."""
        self.kept = KeptRenders((str(self._copy), str(place / "beside")))
        """What was rendered of the files as they are."""
        self.targets: tuple[str, ...] = tuple(self._copied(target) for target in targets)
        self._values = {
            file: self._copied_beside(file, place / "beside" / str(number))
            for number, file in enumerate(dict.fromkeys(values))
        }

    def text(self, file: str) -> str | None:
        """What ``file`` of the copy held before the present pass; ``None`` where it is not to be edited.

        That is a file outside of what is scanned, one that a link leads to, or one that is not UTF-8.
        """
        real = Path(file)
        if file not in self._beside and (real.is_symlink() or not boundary_of(self._copy).holds(file)):
            return None
        if file not in self._before:
            try:
                content = read_regular(file, LIMITS.size_bytes)
            except OSError:
                return None
            self._before[file] = self._held[file] = content
            self._first.setdefault(file, content)
        try:
            return self._before[file].decode()
        except UnicodeDecodeError:
            return None

    def write(self, file: str, text: str) -> None:
        """Writes into the copy."""
        self._write(file, text.encode())

    def _write(self, file: str, content: bytes) -> None:
        was = self._held.get(file)
        if was != content:
            Path(file).write_bytes(content)
            self._held[file] = content
            self.kept.change(file, was, content)

    def restore(self) -> None:
        """Takes every edit of the present pass back."""
        for file, content in self._before.items():
            self._write(file, content)

    def begin_pass(self) -> None:
        """Keeps the edits made until now."""
        self._before.clear()

    def charts(self, options: ChartOptions) -> ChartOptions:
        """``options`` with charts and values files as they are called in the copy."""
        asked = (
            replace(
                one, chart=self._there(one.chart), values=tuple(self._values[file] for file in one.values)
            )
            for one in options.renderings
        )
        values = tuple(self._values[file] for file in options.values)
        return replace(options, values=values, renderings=tuple(asked))

    def files_before(self, files: OldFiles) -> OldFiles:
        """``files`` by the names that they have in the copy."""
        return replace(files, copy=(os.path.realpath(self._copy), str(self._top)))

    def _there(self, path: str) -> str:
        inside = os.path.relpath(os.path.realpath(path), self._top)
        return path if inside.startswith("..") else str(self._copy / inside)

    def fixed(self, file: str, hidden: Mapping[int, Hide]) -> FixedFile:
        """What the edits have made of ``file`` of the copy; ``hidden`` as in the result."""
        if file in self._beside:
            real = self._beside[file][1]
        else:
            real = str(self._top / os.path.relpath(file, self._copy))
        after = Path(file).read_bytes().decode()
        return FixedFile(self.shown(file), real, self._first[file].decode(), after, hidden)

    def shown(self, file: str) -> str:
        """``file`` of the copy as the user would open it."""
        if file in self._beside:
            return self._beside[file][0]
        return os.path.normpath(Path(self._named, os.path.relpath(file, self._copy)))

    def named(self, text: str) -> str:
        """``text`` with the files of the copy called as the user would open them."""
        for copy, (shown, _) in self._beside.items():
            text = text.replace(copy, shown)
        top = str(self._copy)
        return text.replace(
            f"{top}/", f"{self._named.rstrip('/')}/" if self._named not in ("", ".") else ""
        ).replace(top, self._named or ".")

    def _copied(self, target: str) -> str:
        real = Path(os.path.realpath(absolute(target)))
        if not real.exists():
            raise UsageError(f"no such file: {target}")
        inside = os.path.relpath(real, self._top)
        if inside.startswith(".."):
            raise UsageError(
                f"{target} is a link that leads elsewhere", hint="name the file that it leads to"
            )
        there = self._copy / inside
        if real.is_dir():
            self._copy_folder(real, there)
        else:
            there.parent.mkdir(parents=True, exist_ok=True)
            self._copy_file(real, there)
        return str(there)

    def _copied_beside(self, file: str, folder: Path) -> str:
        """A file of values: that of the copied targets where it lies in them. One that is not there is for the reader to say."""
        real = Path(os.path.realpath(absolute(file)))
        inside = os.path.relpath(real, self._top)
        if not real.is_file():
            return file
        if not inside.startswith("..") and (self._copy / inside).is_file():
            return str(self._copy / inside)
        folder.mkdir(parents=True)
        there = str(folder / real.name)
        self._copy_file(real, Path(there))
        self._beside[there] = (file, str(real))
        return there

    def _copy_folder(self, folder: Path, there: Path) -> None:
        for here, folders, files in os.walk(folder):
            inside = there / os.path.relpath(here, folder)
            inside.mkdir(parents=True, exist_ok=True)
            for name in [*files, *(name for name in folders if Path(here, name).is_symlink())]:
                self._copy_file(Path(here, name), inside / name)
            # What is left out of every scan need not be here, but its name is counted there.
            for name in [name for name in folders if name in FILLED_BY_TOOLS]:
                (inside / name).mkdir(exist_ok=True)
            folders[:] = [name for name in folders if name not in FILLED_BY_TOOLS]

    def _copy_file(self, file: Path, there: Path) -> None:
        status = file.lstat()
        if stat.S_ISLNK(status.st_mode):
            self._copy_link(file, there)
            return
        if not stat.S_ISREG(status.st_mode) or there.exists():
            return
        self._files += 1
        self._bytes += status.st_size
        if self._files > _MOST_FILES or self._bytes > _MOST_BYTES:
            raise SourceError(
                f"{self._named} is too large to be fixed at once: more than {_MOST_FILES:,} files or 2 GiB",
                hint="name a folder in it",
            )
        try:
            shutil.copyfile(file, there)
        except PermissionError:
            # A scan that may not read it either says so.
            there.touch(mode=0)

    def _copy_link(self, link: Path, there: Path) -> None:
        """Links within the targets lead to the same file of the copy; others stay what they are and are refused there."""
        aim = os.path.realpath(link)
        inside = os.path.relpath(aim, self._top)
        if not inside.startswith(".."):
            aim = os.path.relpath(self._copy / inside, there.parent)
        if not there.is_symlink():
            there.symlink_to(aim)


def write_back(files: Sequence[FixedFile]) -> None:
    """Writes each file whole or not at all. Its mode stays; links are not followed.

    Raises: ``StoreError`` for one that is not what was read any more, or cannot be written. None is then written but
    those before it.
    """
    for file in files:
        if _is_changed(file):
            raise StoreError(f"{file.path} was changed meanwhile", hint="run the command again")
    for file in files:
        try:
            _replace(Path(file.real), file.after.encode())
        except OSError as error:
            raise StoreError(f"cannot write {file.path}: {(error.strerror or str(error)).lower()}") from error


def _is_changed(file: FixedFile) -> bool:
    if os.path.realpath(file.real) != file.real:
        return True
    try:
        return read_regular(file.real, LIMITS.size_bytes) != file.before.encode()
    except OSError:
        return True


def _replace(path: Path, content: bytes) -> None:
    status = path.lstat()
    file = WholeFile(path, 0o600)
    try:
        with os.fdopen(file.descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            if hasattr(os, "fchown") and os.geteuid() == 0:
                os.fchown(file.descriptor, status.st_uid, status.st_gid)
            os.fchmod(file.descriptor, stat.S_IMODE(status.st_mode))
        file.keep()
    finally:
        file.drop()
