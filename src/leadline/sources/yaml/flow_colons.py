"""Colons before a bracket, ``[2001:db8::]``: text to go-yaml, and so to Kubernetes, an error to libyaml.

Such a colon is replaced by a character that is nowhere else in the text, so that no mark moves, and put back in
the events.
"""

from collections.abc import Callable
from typing import Any

import yaml
from yaml.events import ScalarEvent, StreamEndEvent

_COMPLAINT = "found unexpected ':'"
_SIZE_BYTES = 1 << 20
_SCANNED_BYTES = 16 << 20
"""Every colon costs another pass over the text; beyond that it stays unread, and is named."""
_MASKS = tuple(map(chr, range(0xE000, 0xE010)))


def is_about_colon(error: Exception) -> bool:
    return isinstance(error, yaml.MarkedYAMLError) and error.problem == _COMPLAINT


def masked_colons(text: bytes, parser: Callable[[bytes], Any]) -> tuple[bytes, str] | None:
    """``text`` with a mask in place of each such colon, and the mask; ``None`` where that cannot be done."""
    whole = text.decode("utf-8", "replace")
    mask = next((mask for mask in _MASKS if mask not in whole), None)
    if mask is None or len(text) > _SIZE_BYTES:
        return None
    for _ in range(max(1, _SCANNED_BYTES // max(1, len(text)))):
        content = whole.encode("utf-8", "replace")
        at = _complaint_at(content, parser)
        if at < 0:
            return content, mask
        if whole[at : at + 1] != ":":
            return None
        whole = whole[:at] + mask + whole[at + 1 :]
    return None


def unmasked(take: Callable[[], Any], mask: str) -> Callable[[], Any]:
    """The events of a text whose colons were masked, as they are meant."""

    def event() -> Any:
        found = take()
        if type(found) is ScalarEvent and mask in found.value:
            found.value = found.value.replace(mask, ":")
        return found

    return event


def _complaint_at(text: bytes, parser: Callable[[bytes], Any]) -> int:
    """The character that the parser stumbles over; -1 for none, and for errors of another kind."""
    take = parser(text).get_event
    try:
        while type(take()) is not StreamEndEvent:
            pass
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        return int(mark.index) if is_about_colon(error) and mark else -1
    except (yaml.YAMLError, UnicodeError):
        return -1
    return -1
