"""Plain columns under a header, in the width of the terminal."""

from collections.abc import Iterator, Sequence

from leadline.outputs.text.plain import columns, padded, wrapped

_GAP = 2
_LEAST = 24
"""Columns that the last column needs, or it goes to lines of its own."""


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> Iterator[str]:
    """``header`` and ``rows``; the last column takes what is left and is broken between words.

    ``width`` is that of the terminal; ``None`` for a pipe, where each row is one line.
    """
    widths = [max(columns(row[i]) for row in (header, *rows)) for i in range(len(header) - 1)]
    left = sum(widths) + _GAP * len(widths)
    is_narrow = width is not None and width - left < _LEAST
    if is_narrow:
        yield from wrapped((" " * _GAP).join(header[:-1]), width or 0)
    for i, row in enumerate((header, *rows)):
        head = (" " * _GAP).join(padded(text, size) for text, size in zip(row, widths, strict=False))
        if width is None:
            yield f"{head}{' ' * _GAP}{row[-1]}".rstrip()
        elif not is_narrow:
            first, *more = wrapped(row[-1], width - left) or [""]
            yield f"{head}{' ' * _GAP}{first}".rstrip()
            yield from (" " * left + line for line in more)
        elif i:
            yield from wrapped(head, width) if columns(head.rstrip()) > width else [head.rstrip()]
            yield from (f"  {line}" for line in wrapped(row[-1], width - 2))
