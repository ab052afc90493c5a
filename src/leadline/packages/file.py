"""A file with its content, as every reader of documents takes it, and how it is refused."""

from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from typing import Any

from msgspec import Struct

TEXT_VERSION = 2
"""Raised with every change of how bytes become text, so that cached layers are read again."""
_MARKS = ((BOM_UTF8, "utf-8"), (BOM_UTF16_LE, "utf-16-le"), (BOM_UTF16_BE, "utf-16-be"))


class Unreadable(Exception):  # noqa: N818 - it names the state of the file, and becomes an ``Unread``
    """Raised at the point where a file or document stops making sense; what was yielded before is kept."""


class File(Struct, frozen=True):
    """One file of the merged tree, with its content."""

    path: str
    """Without a leading slash."""
    data: bytes
    mode: int = 0o644
    layer: str = ""
    """Digest of the uncompressed layer it comes from."""
    with_sums: bool = True
    """Whether packages found in an archive state its checksum."""
    parsed: dict[type, Any] = {}
    """What one reader made of ``data`` and the next one needs too."""

    @property
    def text(self) -> str:
        """In UTF-8 unless a byte order mark says otherwise; PowerShell writes UTF-16 where it redirects output."""
        for mark, encoding in _MARKS:
            if self.data.startswith(mark):
                return self.data[len(mark) :].decode(encoding, "replace")
        return self.data.decode("utf-8", "replace")

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]
