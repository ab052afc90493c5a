"""Text that others wrote, on its way to an assistant: marked, short, without control characters and secrets."""

from collections.abc import Iterable

from leadline.outputs.pseudonyms.names import PSEUDONYM, Names
from leadline.outputs.redaction.shapes import redacted_text
from leadline.outputs.redaction.values import SecretValues
from leadline.outputs.text.plain import LONGEST, plain, source_line

UNTRUSTED = "untrusted"
Quoted = dict[str, str]
"""One key, ``UNTRUSTED``."""


class Quoting:
    """The one way by which names, messages and lines of what was scanned get into an answer."""

    def __init__(self, secrets: SecretValues, names: Names | None = None) -> None:
        """``names``: the pseudonyms in whose place names are; ``None`` where names stay."""
        self._secrets = secrets
        self._names = names

    def text(self, text: str, longest: int = LONGEST) -> Quoted:
        """One line of at most ``longest`` characters; ``…`` ends what is cut."""
        return {UNTRUSTED: plain(self._safe(text), longest)}

    def texts(self, texts: Iterable[str], longest: int = LONGEST) -> list[Quoted]:
        return [self.text(one, longest) for one in texts]

    def lines(self, lines: Iterable[str], most_bytes: int) -> tuple[Quoted, bool]:
        """Lines of a file or a diff as one text, and whether all of them are in it."""
        shown: list[str] = []
        left = most_bytes
        for line in lines:
            safe = source_line(self._safe(line))
            left -= 2 * len(safe.encode()) + 2  # in JSON a character may take two
            if left < 0:
                return {UNTRUSTED: "\n".join(shown)}, False
            shown.append(safe)
        return {UNTRUSTED: "\n".join(shown)}, True

    def meant(self, text: str) -> str:
        """``text`` of an assistant with the names for the pseudonyms in it."""
        names = self._names
        return PSEUDONYM.sub(lambda found: names.texts.get(found[0], found[0]), text) if names else text

    def _safe(self, text: str) -> str:
        shown = self._secrets.hide(redacted_text(text))
        return self._names.sentence(shown) if self._names else shown
