"""Whether a screen keeps to the width of its terminal."""

from leadline.outputs.text.plain import columns


def too_wide(text: str, width: int) -> list[str]:
    """Lines that are wider, except those of one word: a path or link stays whole, so that it can be used."""
    return [line for line in text.split("\n") if columns(line) > width and len(line.split()) > 1]
