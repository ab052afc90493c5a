"""Tells bills of materials from archives by how they begin; quick to import."""

from pathlib import Path

BYTE_ORDER_MARK = b"\xef\xbb\xbf"
OTHER_FORMS = (b"<", b"SPDXVersion:", b"##")
"""How the same documents begin as XML and as tags with values."""
_HEAD_BYTES = 4096


def begins_like_sbom(path: Path) -> bool:
    """Whether the file at ``path`` begins like a document rather than like an archive."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return head.removeprefix(BYTE_ORDER_MARK).lstrip().startswith((b"{", *OTHER_FORMS))
