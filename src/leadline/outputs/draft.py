"""A document that lacks only the moment it was made and its own name, so that it can be kept and told again."""

from collections.abc import Callable

from msgspec import Struct

from leadline.model.package import Sbom


class Draft(Struct, frozen=True, array_like=True):
    """JSON on one line in which what is still open stands as empty text."""

    text: str
    moments: tuple[str, ...] = ()
    """Keys whose values are the moment."""
    name: str = ""
    """The key whose value follows from all the rest; empty where the document has no name."""

    def at(self, moment: str) -> str:
        """The document as of ``moment`` (RFC 3339)."""
        text = self.text
        # No stranger's text can look like this: JSON has a backslash before the quotes in it.
        for key in self.moments:
            text = text.replace(f'"{key}":""', f'"{key}":"{moment}"')
        if self.name:
            text = text.replace(f'"{self.name}":""', f'"{self.name}":"urn:uuid:{content_uuid(text)}"', 1)
        return text + "\n"


MakeDraft = Callable[[Sbom, str], Draft]
"""From a bill of materials and the version of this program."""


def content_uuid(text: str) -> str:
    """The same for the same text, and for no other."""
    from uuid import NAMESPACE_URL, uuid5  # tables do without, and start sooner

    return str(uuid5(NAMESPACE_URL, f"leadline {text}"))
