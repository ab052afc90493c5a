"""A file that takes the place of another whole, or not at all: readers find what was there before, or all of the new."""

import os
from contextlib import suppress
from pathlib import Path

from leadline.errors import StoreError

FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)


def write_whole(path: str | Path, content: bytes, mode: int = 0o666, *, is_lasting: bool = False) -> None:
    """Writes ``content`` in one piece; ``is_lasting``: so that it outlives a loss of power.

    Raises: ``OSError``; then nothing has changed.
    """
    import secrets  # loads OpenSSL, which a report to standard output does without

    unfinished = Path(f"{path}.{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS, mode)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            if is_lasting:
                stream.flush()
                os.fsync(stream.fileno())
        unfinished.replace(path)
    except OSError:
        with suppress(OSError):
            unfinished.unlink()
        raise


class WholeFile:
    """Written beside its place under another name, and moved there by ``keep``. ``drop`` is to be called in the end.

    Its folder is held open, in which it is named whatever its path leads to by then.
    """

    def __init__(self, path: Path, mode: int = 0o666) -> None:
        """Raises: ``OSError``; ``StoreError`` as ``open_folder`` does."""
        # Under a name that cannot have been put there: to open one that exists could follow a link, or block.
        import secrets  # loads OpenSSL, which a report to standard output does without

        unfinished = f".{path.name}.{secrets.token_hex(8)}.part"
        self._name, self._unfinished = path.name, unfinished
        self._folder: int | None = None
        if os.open in os.supports_dir_fd:
            self._folder = open_folder(path)
        else:
            self._name, self._unfinished = str(path), str(path.parent / unfinished)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | FLAGS
            self.descriptor = os.open(self._unfinished, flags, mode, dir_fd=self._folder)
            """For writing; closed by the one who writes."""
        except OSError:
            self._close()
            raise

    def keep(self) -> None:
        """Puts what was written in its place. Raises: ``OSError``."""
        os.replace(self._unfinished, self._name, src_dir_fd=self._folder, dst_dir_fd=self._folder)

    def drop(self) -> None:
        """Takes away what was not kept."""
        if self._folder is not None or os.open not in os.supports_dir_fd:
            with suppress(FileNotFoundError):
                os.unlink(self._unfinished, dir_fd=self._folder)
        self._close()

    def _close(self) -> None:
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None


def open_folder(path: Path) -> int:
    """The folder of ``path``, open.

    Raises: ``StoreError`` where a folder on the way became a link after it was looked at.
    """
    folder = os.open(path.parent, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | FLAGS)
    here = os.path.realpath(Path.cwd())
    meant = os.path.realpath(path.parent) if path.is_absolute() else os.path.normpath(f"{here}/{path.parent}")
    opened_at = Path(f"/proc/self/fd/{folder}")
    if opened_at.is_symlink() and str(opened_at.readlink()) != meant and ".." not in path.parts:
        os.close(folder)
        raise StoreError(f"{path.parent} is a symbolic link", hint="name the file that it leads to")
    return folder
