"""Long lines of a terminal: sentences that are broken between words, and commands that can still be pasted."""

from collections.abc import Iterable, Iterator

from leadline.outputs.text.plain import columns, wrapped


def broken_at(text: str, width: int) -> Iterator[str]:
    """``text`` as it is where it fits, else broken between words, further lines two columns to the right."""
    if columns(text) <= width:
        yield text
        return
    indent = " " * (len(text) - len(text.lstrip()))
    first, *more = wrapped(text, width - len(indent) - 2)
    yield indent + first
    yield from (f"{indent}  {line}" for line in more)


def command_lines(line: str, width: int) -> Iterator[str]:
    """A command on as many lines as it takes, each but the last ending as a shell wants it."""
    *broken, last = broken_at(line, width) if columns(line) <= width else broken_at(line, width - 2)
    yield from (f"{part} \\" for part in broken)
    yield last


def side_by_side(parts: Iterable[str], width: int, gap: str = "   ", indent: str = "") -> Iterator[str]:
    """Commands beside each other as far as there is room, the others on lines of their own."""
    line = ""
    for part in parts:
        if line and columns(line) + columns(gap) + columns(part) > width:
            yield from command_lines(line, width)
            line = indent + part
        else:
            line = f"{line}{gap}{part}" if line else part
    if line:
        yield from command_lines(line, width)


def broken_path(path: str, width: int, mark: str = ".") -> Iterator[str]:
    """A path over several lines if need be, broken after its dots, or another ``mark`` between its parts."""
    line = ""
    for part in path.replace(mark, f"{mark}\0").split("\0"):
        if line and columns(line) + columns(part) > width:
            yield line
            line = part
        else:
            line += part
    if line:
        yield line
