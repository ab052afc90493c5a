"""What a scan did not read or passed over by choice, as many of each as a format may name, and the number of the rest."""

from collections.abc import Iterator
from typing import NamedTuple

from leadline.model.report import PostureReport
from leadline.model.unread import Unread
from leadline.outputs.text.plain import beside, plain


def part_lines(one: Unread, width: int) -> Iterator[str]:
    """Where it is, and why it was passed over."""
    hint = f"; {plain(one.hint)}" if one.hint else ""
    return beside(plain(one.where, 4096), plain(one.why) + hint, width)


class PassedOver(NamedTuple):
    """All of one sort."""

    word: str
    """``not read`` or ``left out``."""
    is_choice: bool
    parts: tuple[Unread, ...]
    """The first of them."""
    rest: str
    """``12 more not read``; empty where ``parts`` are all."""


def passed_over(report: PostureReport, most: int) -> Iterator[PassedOver]:
    """The sorts of which there is something, with at most ``most`` named of each."""
    for word, is_choice, parts in (("not read", False, report.unread), ("left out", True, report.left_out)):
        if parts:
            more = len(parts) - most
            yield PassedOver(word, is_choice, parts[:most], f"{more:,} more {word}" if more > 0 else "")
