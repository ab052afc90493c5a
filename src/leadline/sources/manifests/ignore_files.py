"""The ignore files in a folder: as they are, or as someone else says that they count."""

from collections.abc import Callable
from pathlib import Path

from leadline.errors import ManifestError
from leadline.sources.regular_file import is_regular, read_regular

IGNORE_FILES = (".leadlineignore", ".kubescapeignore")
LARGEST_BYTES = 1 << 20
IgnoreFiles = Callable[[str], list[str]]
"""The lines that count for a folder that is scanned."""


def present_ignore_files(folder: str) -> list[str]:
    """The lines of those that are in ``folder``. Raises: ``ManifestError`` for one that cannot be read."""
    lines: list[str] = []
    for name in IGNORE_FILES:
        path = Path(folder) / name
        try:
            if is_regular(path):
                lines += lines_of(read_regular(path, LARGEST_BYTES))
        except OSError as error:
            why = (
                "no permission"
                if isinstance(error, PermissionError)
                else (error.strerror or str(error)).lower()
            )
            raise ManifestError(f"cannot read {path}: {why}") from error
    return lines


def no_ignore_files(folder: str) -> list[str]:
    """None, whatever is in ``folder``."""
    del folder
    return []


def lines_of(content: bytes) -> list[str]:
    return content.decode("utf-8", "replace").splitlines()
