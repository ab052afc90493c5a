"""Bounded readers of the notations that package facts are written in: JSON, TOML, YAML, XML, mail headers.

Every reader raises ``Unreadable`` on whatever it does not understand, and refuses what would cost more than
a few seconds or more memory than a few times the file. What they return is taken apart with ``fields``,
``entries`` and ``word``, which answer with nothing where a value has another type than expected: a lock
file with one odd entry keeps all its others.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from leadline.packages.file import File, Unreadable
from leadline.packages.late_pattern import late_pattern

JSON_BYTES = 64 << 20
TOML_BYTES = 6 << 20
YAML_BYTES = 8 << 20
XML_BYTES = 8 << 20
DEPTH = 100
TEXT_CHARACTERS = 8 << 10
LINE_CHARACTERS = 64 << 10
LINE_DOTS = 8

_EMPTY: Mapping[str, object] = {}

_TOML_STRING = late_pattern(rb"\"(?:[^\"\\]|\\.)*+\"|'[^']*+'")
_JSON_COMMENT = late_pattern(
    rb'"(?:[^"\\]|\\.)*+"?'
    rb"|(?P<drop>//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|,(?=\s*+[}\]]))",
    re.DOTALL,
)


class Element(Struct):
    """One XML element; ``name`` is without its namespace prefix, ``text`` is what is directly inside."""

    name: str
    text: str = ""
    children: list["Element"] = []
    attributes: Mapping[str, str] = {}

    def child(self, name: str) -> "Element":
        """The first child of that name; an empty element where there is none."""
        return next((child for child in self.children if child.name == name), Element(name))

    def value(self, name: str) -> str:
        """The text of the first child of that name."""
        return self.child(name).text.strip()


def fields(value: object) -> Mapping[str, object]:
    """``value`` where it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else _EMPTY


def whole(value: object) -> Mapping[str, object]:
    """The fields of a whole document; none where it is empty.

    Raises:
        Unreadable: it is something else, a lone text for one, which YAML takes nearly everything for.
    """
    if value is not None and not isinstance(value, dict):
        raise Unreadable("holds something else than fields")
    return fields(value)


def entries(value: object) -> Sequence[object]:
    """``value`` where it is a list, else an empty one."""
    return value if isinstance(value, list) else ()


def word(value: object) -> str:
    """``value`` where it is a string, without the blanks around it, else an empty string."""
    return value.strip() if isinstance(value, str) else ""


def whole_name(value: object) -> str:
    """A name that may have a namespace before a slash; without slashes at either end, which would empty a part."""
    return word(value).strip("/")


def words(value: object) -> tuple[str, ...]:
    """The strings of a list; a lone string is a list of one."""
    found = (word(entry) for entry in ([value] if isinstance(value, str) else entries(value)))
    return tuple(entry for entry in found if entry)


def read_json(file: File) -> object:
    """The value of a JSON file; a byte order mark is allowed."""
    _bound(file, JSON_BYTES)
    return _json(file.data)


def read_json_with_comments(file: File) -> object:
    """As ``read_json``; comments and commas before a closing bracket are allowed as well."""
    _bound(file, JSON_BYTES)
    return _json(_JSON_COMMENT.sub(lambda found: b" " if found["drop"] else found[0], file.data))


def _json(content: bytes) -> object:
    import orjson  # brings Python's own reader, and an image of one program has none to read

    try:
        return orjson.loads(content.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error}") from error


def read_toml(file: File) -> Mapping[str, object]:
    """The tables of a TOML file.

    Lines with many dots outside strings are refused because tomllib takes quadratic time for a dotted key.
    """
    import tomllib  # as above

    _bound(file, TOML_BYTES)
    for line in file.data.split(b"\n"):
        dots = line.count(b".")
        if dots > LINE_DOTS:
            dots = _TOML_STRING.sub(b"", line).count(b".")
        if len(line) > LINE_CHARACTERS or dots > LINE_DOTS:
            raise Unreadable("a line is too long for a lock file")
    try:
        return tomllib.loads(file.text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"not TOML: {error}") from error


def read_yaml(file: File) -> object:
    """The first document of a YAML file, every scalar as a string (``1.10`` is a version, not a number).

    Aliases are refused: no lock file needs them, and they multiply.
    """
    import yaml  # as above

    _bound(file, YAML_BYTES)
    if re.search(rb"[\[{]{100}", file.data):
        raise Unreadable("nested too deeply")
    try:
        parser = yaml.parse(file.text, Loader=yaml.CSafeLoader)
        return _yaml_document(parser)
    except yaml.YAMLError as error:
        line = " ".join(str(error).split())
        raise Unreadable(f"not YAML: {line[:200]}") from error


def _yaml_document(events: Iterable[object]) -> object:
    import yaml

    document: list[object] = []
    open_nodes: list[list[object]] = [document]
    for event in events:
        match event:
            case yaml.ScalarEvent():
                open_nodes[-1].append(event.value)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                if len(open_nodes) > DEPTH:
                    raise Unreadable("nested too deeply")
                open_nodes.append([])
            case yaml.MappingEndEvent():
                flat = open_nodes.pop()
                pairs = zip(flat[::2], flat[1::2], strict=False)
                open_nodes[-1].append({key: value for key, value in pairs if isinstance(key, str)})
            case yaml.SequenceEndEvent():
                finished = open_nodes.pop()
                open_nodes[-1].append(finished)
            case yaml.AliasEvent():
                raise Unreadable("holds an alias, which no lock file does")
            case yaml.DocumentEndEvent():
                break
    return document[0] if document else None


def read_xml(
    content: bytes, only: str = "", most_bytes: int = XML_BYTES, encoding: str | None = None
) -> Element:
    """The root element; with ``only`` of those directly within it the ones of that name.

    ``encoding`` counts instead of the declared one. A document type declaration is refused, and with it every entity.
    """
    from xml.parsers import expat  # as above

    if len(content) > most_bytes:
        raise Unreadable(f"larger than {most_bytes >> 20} MiB")
    top = Element("")
    stack = [top]
    passed = 0
    """How many elements are open that are passed over."""

    def start(name: str, attributes: Mapping[str, str]) -> None:
        nonlocal passed
        if len(stack) + passed > DEPTH:
            raise Unreadable("nested too deeply")
        if passed or (only and len(stack) == 2 and name.rpartition(":")[2] != only):
            passed += 1
            parser.CharacterDataHandler = None
            return
        element = Element(name.rpartition(":")[2], children=[], attributes=attributes)
        stack[-1].children.append(element)
        stack.append(element)

    def end(_name: str) -> None:
        nonlocal passed
        if passed:
            passed -= 1
            if not passed:
                parser.CharacterDataHandler = characters
        else:
            stack.pop()

    def characters(text: str) -> None:
        if len(stack[-1].text) < TEXT_CHARACTERS:  # each addition copies what is there
            stack[-1].text += text

    def refuse(*_declaration: object) -> None:
        raise Unreadable("declares a document type, which may hold entities")

    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = characters, refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        # The place first: "token: line" would look like a secret.
        place = f"line {error.lineno}, column {error.offset}"
        raise Unreadable(f"not XML: {place}: {expat.ErrorString(error.code)}") from error
    except (ValueError, LookupError) as error:
        raise Unreadable(f"not XML: {error}") from error
    return top.children[0]


HEADERS = 1 << 20
"""Characters."""


def read_headers(text: str) -> dict[str, list[str]]:
    """Mail headers up to the first empty line: lower-case name → values, continuation lines left out.

    https://packaging.python.org/en/latest/specifications/core-metadata/

    Raises:
        Unreadable: they are longer than ``HEADERS`` characters; a real project has a few thousand.
    """
    found: dict[str, list[str]] = {}
    lines = text[:HEADERS].split("\n")
    for i, line in enumerate(lines):
        if i == len(lines) - 1 and len(text) > HEADERS:
            raise Unreadable(f"its headers are longer than {HEADERS >> 10} KiB")
        if not line.strip():
            break
        name, colon, value = line.partition(":")
        if colon and line[0] not in " \t":
            found.setdefault(name.strip().lower(), []).append(value.strip())
    return found


def _bound(file: File, size_bytes: int) -> None:
    if len(file.data) > size_bytes:
        raise Unreadable(f"larger than {size_bytes >> 20} MiB")
