"""A history as people and programs read it: lines, data, a picture."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from leadline.api.protocol import Store
from leadline.model.history import History
from leadline.outputs.text.history_text import history_document, history_lines, history_picture
from leadline.scans.stored.history.reading import Asked, history


class ShownHistory(Struct, frozen=True):
    history: History

    def lines(self, width: int | None, *, shows_all: bool) -> Iterator[str]:
        """``width`` is that of the terminal; ``None`` for a pipe."""
        return history_lines(self.history, width, shows_all=shows_all)

    def document(self) -> dict[str, Any]:
        return history_document(self.history)

    def picture(self) -> str:
        """SVG."""
        return history_picture(self.history)


async def shown_history(store: Store, asked: Asked) -> ShownHistory:
    """Raises: as ``history`` does."""
    return ShownHistory(await history(store, asked))
