"""A document that lacks only the moment it was made and its own name, so that it can be kept and told again."""

from collections.abc import Callable

from msgspec import Struct

from leadline.model.package import Sbom


class Draft(Struct, frozen=True, array_like=True):
    """JSON on one line, as UTF-8, in which what is still open stands as empty text."""

    text: bytes
    moments: tuple[str, ...] = ()
    """Keys whose values are the moment."""
    name: str = ""
    """The key whose value follows from all the rest; empty where the document has no name."""

    def at(self, moment: str) -> bytes:
        """The document as of ``moment`` (RFC 3339)."""
        text = self.text
        # No stranger's text can look like this: JSON has a backslash before the quotes in it.
        for key in self.moments:
            text = text.replace(f'"{key}":""'.encode(), f'"{key}":"{moment}"'.encode())
        if self.name:
            name = f'"{self.name}":"urn:uuid:{content_uuid(text)}"'.encode()
            text = text.replace(f'"{self.name}":""'.encode(), name, 1)
        return text + b"\n"


MakeDraft = Callable[[Sbom, str], Draft]
"""From a bill of materials and the version of this program."""


def content_uuid(text: bytes) -> str:
    """The same for the same text, and for no other: a UUID of version 5."""
    from hashlib import sha1
    from uuid import NAMESPACE_URL, UUID  # tables do without, and start sooner

    state = sha1(NAMESPACE_URL.bytes + b"leadline ", usedforsecurity=False)
    state.update(text)
    return str(UUID(bytes=state.digest()[:16], version=5))
