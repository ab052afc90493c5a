"""Reads the types of a compiled BPF object: layouts of records, numbers of enumerations, places of constants.

So that no layout is written down twice. Format: https://docs.kernel.org/bpf/btf.html, ELF: ``man 5 elf``. Plain Python,
so that the object of another architecture can be read anywhere.
"""

import struct
from collections.abc import Iterator, Mapping

from msgspec import Struct

from leadline.errors import SourceError

_ELF = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_TYPE = struct.Struct("<III")
_WORDS_OF = {1: 4, 3: 12, 14: 4, 17: 4}
"""Bytes after a type of this kind: integer, array, variable, declaration tag."""
_PER_MEMBER = {4: 12, 5: 12, 6: 8, 13: 8, 15: 12, 19: 12}
_INT, _ARRAY, _STRUCT, _ENUM, _FUNCTION, _SECTION_KIND, _ENUM64 = 1, 3, 4, 6, 12, 15, 19
_TRANSPARENT = frozenset({8, 9, 10, 11, 18})
"""typedef, volatile, const, restrict, type tag: the type behind them counts."""
_MOST_TYPES = 100_000
_LETTERS = {(1, False): "B", (2, False): "H", (4, False): "I", (8, False): "Q"} | {
    (1, True): "b",
    (2, True): "h",
    (4, True): "i",
    (8, True): "q",
}


class Layout(Struct, frozen=True):
    """A record before its text or payload, which is its last field."""

    format: str
    """For ``struct.Struct``."""
    names: tuple[str, ...]
    tail_at: int
    """Where the last field begins, if that is bytes of varying length; else the size of the record."""
    size: int


class _Type(Struct, frozen=True):
    name: str
    kind: int
    count: int
    size: int
    """Or the type it represents."""
    rest: bytes


class ObjectTypes:
    """The types of one ELF object."""

    def __init__(self, content: bytes) -> None:
        """Raises: ``SourceError`` where it is no such object."""
        try:
            self.sections = dict(_sections(content))
            self._symbols = tuple(_symbols(content, self.sections))
            raw = self.sections[".BTF"][1]
            header_size, type_at, type_size, text_at = struct.unpack_from("<4I", raw, 4)
            self._text = raw[header_size + text_at :]
            types = raw[header_size + type_at : header_size + type_at + type_size]
            self._types: list[_Type] = [_Type("", 0, 0, 0, b""), *self._read(types)]
        except (struct.error, KeyError, IndexError) as error:
            raise SourceError("the BPF object is damaged", hint="install leadline again") from error
        self._by_name = {(one.kind, one.name): one for one in self._types}

    def layout(self, name: str, *, tail: str = "") -> Layout:
        """Of the structure ``name``, nested ones spelled out; ``tail`` is the field that is of varying length."""
        names: list[str] = []
        format = "<"
        at = 0
        tail_at = self._structure(name).size
        for field, offset, type in self._fields(self._structure(name), 0):
            if field == tail:
                tail_at = offset
                break
            letter, size = self._letter(type)
            format += f"{offset - at}x" if offset > at else ""
            format += letter
            names.append(field)
            at = offset + size
        return Layout(format, tuple(names), tail_at, self._structure(name).size)

    def numbers(self, name: str) -> Mapping[str, int]:
        """The names of the enumeration ``name``, or of the one that has a member ``name``."""
        for one in self._types:
            if one.kind == _ENUM:
                found = {
                    self._string(at): value
                    for at, value in struct.iter_unpack("<Ii", one.rest[: 8 * one.count])
                }
                if one.name == name or name in found:
                    return found
        raise KeyError(name)

    def constants(self, section: str) -> Mapping[str, tuple[int, int]]:
        """Offset and size of each variable of ``section``."""
        return {name: (value, size) for name, place, value, size in self._symbols if place == section}

    def programs(self) -> Mapping[str, str]:
        """The section of each program, which says where it is attached."""
        found = {}
        for name, section, _, _ in self._symbols:
            if section and not section.startswith(".") and section not in ("license", "maps"):
                found[name] = section
        return found

    def structures(self) -> Iterator[str]:
        """Names of the records."""
        for one in self._types:
            if one.kind == _STRUCT and one.name.endswith("_record"):
                yield one.name

    def _structure(self, name: str) -> _Type:
        return self._by_name[_STRUCT, name]

    def _read(self, raw: bytes) -> Iterator[_Type]:
        at = number = 0
        while at < len(raw) and number < _MOST_TYPES:
            name, info, size = _TYPE.unpack_from(raw, at)
            kind, count = info >> 24 & 31, info & 0xFFFF
            rest = _WORDS_OF.get(kind, 0) + _PER_MEMBER.get(kind, 0) * count
            yield _Type(self._string(name), kind, count, size, raw[at + 12 : at + 12 + rest])
            at += 12 + rest
            number += 1

    def _string(self, at: int) -> str:
        return self._text[at : self._text.index(b"\0", at)].decode("ascii", "replace")

    def _fields(self, one: _Type, base: int) -> Iterator[tuple[str, int, _Type]]:
        for name, type_id, bits in struct.iter_unpack("<III", one.rest):
            type = self._resolved(type_id)
            offset = base + (bits & 0xFFFFFF) // 8
            if type.kind == _STRUCT:
                yield from self._fields(type, offset)
            else:
                yield self._string(name), offset, type

    def _resolved(self, type_id: int) -> _Type:
        type = self._types[type_id]
        while type.kind in _TRANSPARENT:
            type = self._types[type.size]
        return type

    def _letter(self, type: _Type) -> tuple[str, int]:
        if type.kind == _ARRAY:
            element, _, count = struct.unpack("<III", type.rest)
            size = self._resolved(element).size * count
            return f"{size}s", size
        is_signed = type.kind == _INT and bool(struct.unpack("<I", type.rest)[0] >> 24 & 1)
        return _LETTERS[type.size, is_signed], type.size


def _sections(content: bytes) -> Iterator[tuple[str, tuple[int, bytes]]]:
    """Number and bytes of each section, by name."""
    if content[:6] != b"\x7fELF\x02\x01":
        raise KeyError("ELF")
    header = _ELF.unpack_from(content)
    at, size, number, names_at = header[6], header[11], header[12], header[13]
    rows = [_SECTION.unpack_from(content, at + size * i) for i in range(number)]
    names = content[rows[names_at][4] : rows[names_at][4] + rows[names_at][5]]
    for i, row in enumerate(rows):
        name = names[row[0] : names.index(b"\0", row[0])].decode("ascii", "replace")
        body = b"" if row[1] == 8 else content[row[4] : row[4] + row[5]]
        yield name, (i, body)


def _symbols(
    content: bytes, sections: Mapping[str, tuple[int, bytes]]
) -> Iterator[tuple[str, str, int, int]]:
    names = sections[".strtab"][1]
    by_number = {number: name for name, (number, _) in sections.items()}
    for name, info, _, section, value, size in _SYMBOL.iter_unpack(sections[".symtab"][1]):
        # Global ones are programs, maps and constants.
        if info >> 4 == 1:
            text = names[name : names.index(b"\0", name)].decode("ascii", "replace")
            yield text, by_number.get(section, ""), value, size
