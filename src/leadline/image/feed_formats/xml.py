"""XML of feeds, which are too large to be kept whole: only the elements that are asked for, one after another."""

from collections.abc import Iterator, Mapping
from xml.parsers import expat

from leadline.image.feed import Document, Unreadable
from leadline.image.parsers.documents import Element

DEEPEST = 64
MOST_BELOW = 200_000
"""Elements within one that is handed over; the largest definitions of kernels have some ten thousand."""
PIECE_BYTES = 1 << 16
LONGEST_TEXT = 1 << 16


class _Builder:
    def __init__(self, wanted: frozenset[str]) -> None:
        self._wanted = wanted
        self._depth = 0
        self._stack: list[Element] = []
        self._below = 0
        self.finished: list[Element] = []
        self.root = ""

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        name = tag.rpartition(":")[2]
        self.root = self.root or name
        if self._depth > DEEPEST:
            raise Unreadable("nested too deeply")
        if not self._stack and name not in self._wanted:
            return
        self._below += 1
        if self._below > MOST_BELOW:
            raise Unreadable("an entry that is too large")
        element = Element(name, children=[], attributes=attributes)
        if self._stack:
            self._stack[-1].children.append(element)
        self._stack.append(element)

    def end(self, _tag: str) -> None:
        self._depth -= 1
        if self._stack:
            element = self._stack.pop()
            if not self._stack:
                self.finished.append(element)
                self._below = 0

    def characters(self, text: str) -> None:
        if self._stack and len(self._stack[-1].text) < LONGEST_TEXT:
            self._stack[-1].text += text


def elements(document: Document, root: str, *wanted: str) -> Iterator[Element]:
    """Every element called one of ``wanted``, whole, in order; names are without a namespace.

    A document type is refused, and with it every entity.

    Raises:
        Unreadable: at the point where the document stops being XML, or at once where its root is not ``root``.
    """
    if not document.data.strip():
        raise Unreadable("empty")
    builder = _Builder(frozenset(wanted))
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = builder.start, builder.end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.characters, _refuse
    data = memoryview(document.data)
    for start in range(0, len(data), PIECE_BYTES):
        piece = bytes(data[start : start + PIECE_BYTES])
        problem = _parsed(parser, piece, start + PIECE_BYTES >= len(data))
        if builder.root and builder.root != root:
            raise Unreadable(f"a document of another kind: <{builder.root[:40]}>")
        yield from builder.finished
        builder.finished.clear()
        if problem:
            raise Unreadable(f"not XML, or cut short: {problem}")


def _parsed(parser: expat.XMLParserType, piece: bytes, is_last: bool) -> str:
    """What is wrong with ``piece``; empty where nothing is."""
    try:
        parser.Parse(piece, is_last)
    except (expat.ExpatError, ValueError, LookupError) as error:
        return str(error)
    return ""


def _refuse(*_declaration: object) -> None:
    raise Unreadable("a web page, or XML with a document type, which may hold entities")
