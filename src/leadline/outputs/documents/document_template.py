"""A document that lacks only the moment it was made and its own name, so that it can be kept and written again."""

from collections.abc import Callable

from msgspec import Struct

from leadline.model.package import Sbom
from leadline.outputs.text.json_text import dated


class Draft(Struct, frozen=True, array_like=True):
    """JSON on one line, as UTF-8, in which what is still open is an empty text."""

    text: bytes
    moments: tuple[str, ...] = ()
    """Keys whose values are the moment."""
    name: str = ""
    """The key whose value follows from all the rest; empty where the document has no name."""

    def at(self, moment: str) -> bytes:
        """The document as of ``moment`` (RFC 3339)."""
        return dated(self.text, moment, self.moments, self.name)


MakeDraft = Callable[[Sbom, str], Draft]
"""From a SBOM and the version of this program."""
