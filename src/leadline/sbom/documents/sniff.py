"""Distinguishes SBOM documents from archives by how they begin; quick to import."""

from pathlib import Path

OTHER_FORMS = {b"<": "XML", b"SPDXVersion:": "tags and values", b"##": "tags and values"}
"""How the same documents begin in another form, and what that form is called."""
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""What PowerShell redirects into a file begins so."""
_HEAD_BYTES = 4096


def begins_like_sbom(path: Path) -> bool:
    """Whether the file at ``path`` begins like a document rather than like an archive."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return False
    return in_utf_8(head).lstrip().startswith((b"{", *OTHER_FORMS))


def in_utf_8(content: bytes) -> bytes:
    """``content`` without a byte order mark, and in UTF-8 where that mark is one of UTF-16."""
    if content.startswith(_UTF_16):
        return content.decode("utf-16", "replace").encode()
    return content.removeprefix(_BYTE_ORDER_MARK)
