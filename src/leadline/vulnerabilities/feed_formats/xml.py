"""XML of feeds, which are too large to be kept whole: only the elements that are asked for, one after another."""

from collections.abc import Iterator, Mapping
from xml.parsers import expat

from leadline.packages.documents import Element
from leadline.packages.file import Unreadable
from leadline.vulnerabilities.feed import Document

DEEPEST = 64
MOST_BELOW = 200_000
"""Elements within one that is handed over; the largest definitions of kernels have some ten thousand."""
PIECE_BYTES = 1 << 16
LONGEST_TEXT = 1 << 16
MOST_NAMES = 1000


class _Builder:
    """Handlers of the parser. All that is not asked for passes through them too, so they do as little as they can."""

    def __init__(self, parser: expat.XMLParserType, wanted: frozenset[str]) -> None:
        self._parser = parser
        self._wanted = wanted
        self._names: dict[str, str] = {}
        self._depth = 0
        self._stack: list[Element] = []
        self._below = 0
        self.finished: list[Element] = []
        self.root = ""
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.StartDoctypeDeclHandler = _refuse

    def _start(self, tag: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Unreadable("nested too deeply")
        name = self._names.get(tag)
        if name is None:
            name = self._name(tag)
        stack = self._stack
        if stack:
            self._below += 1
            if self._below > MOST_BELOW:
                raise Unreadable("an entry that is too large")
            element = Element(name, "", [], attributes)
            stack[-1].children.append(element)
            stack.append(element)
        elif name in self._wanted:
            stack.append(Element(name, "", [], attributes))
            self._below = 0
            self._parser.CharacterDataHandler = self._characters

    def _name(self, tag: str) -> str:
        """Without the namespace; documents have few names, hostile ones as many as they like."""
        name = tag.rpartition(":")[2]
        self.root = self.root or name
        if len(self._names) < MOST_NAMES:
            self._names[tag] = name
        return name

    def _end(self, _tag: str) -> None:
        self._depth -= 1
        stack = self._stack
        if stack:
            element = stack.pop()
            if not stack:
                self.finished.append(element)
                self._parser.CharacterDataHandler = None

    def _characters(self, text: str) -> None:
        element = self._stack[-1]
        if len(element.text) < LONGEST_TEXT and not (text.isspace() and not element.text):
            element.text += text


def elements(document: Document, root: str, *wanted: str) -> Iterator[Element]:
    """Every element called one of ``wanted``, whole, in order; names are without a namespace.

    A document type is refused, and with it every entity.

    Raises:
        Unreadable: at the point where the document stops being XML, or at once where its root is not ``root``.
    """
    if not document.data.strip():
        raise Unreadable("empty")
    parser = expat.ParserCreate()
    builder = _Builder(parser, frozenset(wanted))
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
