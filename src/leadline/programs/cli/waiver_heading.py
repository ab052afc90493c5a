"""How ``waiver test`` begins what it says of an entry, about objects and images alike."""

from collections.abc import Iterator

from leadline.model.waiver import WaiverUse
from leadline.outputs.text.waiver_text import reason_of, remarks_of, title

SHOWN = 5
"""Findings of one entry, unless all are asked for."""


def heading(use: WaiverUse, others: str) -> Iterator[str]:
    """What is accepted and why, and what is odd about it. ``others``: what is not looked for here."""
    yield f"{title(use.waiver)}: {reason_of(use.waiver)}"
    if use.state == "not asked":
        yield f"  about what this does not look for, {others}"
    elif remarks := "; ".join(remarks_of(use)):
        yield f"  {remarks}"
