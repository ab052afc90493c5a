"""Which packages have code in a Go program, from the table of functions that every one of them holds for stack traces.

The linker leaves out what nothing can call, so that a package that is not in the table has no code in the program.
Stripping does not remove the table. Functions that were inlined everywhere are named in it as well.

Layout since Go 1.16, 1.18 and 1.20: https://github.com/golang/go/blob/master/src/debug/gosym/pclntab.go. Before
1.16 the names lie scattered, those of inlined functions too, so that nothing is said of such programs.
"""

from collections.abc import Iterator

from leadline.packages.late_pattern import late_pattern
from leadline.sbom.parsers.executable import LARGEST_SECTION, Executable

_SECTIONS = (
    ".gopclntab",
    ".data.rel.ro.gopclntab",
    "__TEXT,__gopclntab",
    "__DATA_CONST,__gopclntab",
    ".data.rel.ro",
    ".rdata",
    ".rodata",
)
"""Where linkers put the table, by itself or among other things; never where code is, which is most of a file."""
_NAMES_FIELD = {0xFFFFFFFA: 2, 0xFFFFFFF0: 3, 0xFFFFFFF1: 3}
"""By the number that a table begins with, newest last: which word of its header says where the names begin."""
_HEADER_BYTES = 8 + 8 * 8
_MOST_TABLES = 64
"""Places that look like the beginning of a table; programs that read such tables hold the numbers as well."""
_MOST_NAMES_BYTES = LARGEST_SECTION - 1
_MOST_PACKAGES = 50_000
"""Kubernetes' API server has 2,800."""
_MOST_RUNS = 1_000_000
"""Of functions of one package, one after another; there, 20,000."""
_SIGNS = (b"\0runtime.main\0", b"\0main.main\0")
"""In every program whose names were left as they are; plug-ins have another name for the second."""
_PACKAGE = late_pattern(rb"\0((?:[^\0\[]*/)?[^\0\[./]+)\.[^\0]*(?:\0\1\.[^\0/]*(?=\0))*")
"""What is before the first dot behind the last slash, types in brackets aside; with all plain names that follow in the same package."""
_ESCAPE = late_pattern(rb"%([0-9a-f]{2})")


def linked_packages(executable: Executable) -> frozenset[str] | None:
    """Import paths of the packages that have code in the program (``main`` for the one that is started).

    ``None`` where that cannot be known: the table is missing, damaged, too old, too large or made unreadable.
    """
    for start, order in _tables(executable):
        names = _names(executable, start, order)
        if names is not None:
            return _packages(names)
    return None


def _tables(executable: Executable) -> Iterator[tuple[int, str]]:
    """Offsets in the file, each with the byte order."""
    for magic in reversed(_NAMES_FIELD):
        pattern = magic.to_bytes(4, executable.byte_order) + b"\0\0"
        for number, place in enumerate(executable.places(pattern, _SECTIONS)):
            if number >= _MOST_TABLES:
                break
            yield place, executable.byte_order


def _names(executable: Executable, start: int, order: str) -> bytes | None:
    """The part of a table that holds names, each with a zero byte behind it; ``None`` where there is no table."""
    header = executable.bytes_at_offset(start, _HEADER_BYTES)
    if len(header) < _HEADER_BYTES or header[6] not in (1, 2, 4) or header[7] not in (4, 8):
        return None
    width = header[7]
    words = [
        int.from_bytes(header[at : at + width], "big" if order == "big" else "little")
        for at in range(8, 8 + 6 * width, width)
    ]
    field = _NAMES_FIELD[int.from_bytes(header[:4], "big" if order == "big" else "little")]
    begin, end = words[field], words[field + 1]
    if not 0 < begin < end or end - begin > _MOST_NAMES_BYTES:
        return None
    # With the byte before, so that a zero precedes each name: mostly it is one already.
    names = executable.bytes_at_offset(start + begin - 1, end - begin + 1)
    if len(names) < end - begin + 1:
        return None
    return names if names.startswith(b"\0") else b"\0" + names[1:]


def _packages(names: bytes) -> frozenset[str] | None:
    if any(sign not in names for sign in _SIGNS):
        return None
    found: set[bytes] = set()
    for number, hit in enumerate(_PACKAGE.finditer(names)):
        found.add(hit[1])
        if number >= _MOST_RUNS or len(found) > _MOST_PACKAGES:
            return None
    return frozenset(
        _ESCAPE.sub(lambda hit: bytes((int(hit[1], 16),)), name).decode("utf-8", "replace") for name in found
    )
