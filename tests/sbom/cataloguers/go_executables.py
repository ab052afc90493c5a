"""The smallest ELF files that hold what Go leaves in its programs, byte by byte."""

import struct

SECTION = ".go.buildinfo"
MAGIC = b"\xff Go buildinf:"
MARK = bytes(range(16))
ADDRESS = 0x400000


def elf(sections: dict[str, bytes], is_64_bit: bool = True, order: str = "<") -> bytes:
    """One segment, loaded at ``ADDRESS`` and writable, with all sections one after another from offset 4096."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in (*sections, ".shstrtab"))
    content, rows = b"", []
    for name, part in (*sections.items(), (".shstrtab", names)):
        content += bytes(-len(content) % 16)
        rows.append((names.index(name.encode() + b"\0"), 4096 + len(content), len(part)))
        content += part
    size = 4096 + len(content)
    if is_64_bit:
        head = struct.pack(
            order + "HHIQQQIHHHHHH", 2, 62, 1, 0, 64, size, 0, 64, 56, 1, 64, len(rows) + 1, len(rows)
        )
        program = struct.pack(
            order + "IIQQQQQQ", 1, 6, 4096, ADDRESS, ADDRESS, len(content), len(content), 16
        )
        table = bytes(64) + b"".join(
            struct.pack(order + "IIQQQQIIQQ", name, 1, 3, ADDRESS + at - 4096, at, length, 0, 0, 16, 0)
            for name, at, length in rows
        )
    else:
        head = struct.pack(
            order + "HHIIIIIHHHHHH", 2, 3, 1, 0, 52, size, 0, 52, 32, 1, 40, len(rows) + 1, len(rows)
        )
        program = struct.pack(
            order + "IIIIIIII", 1, 4096, ADDRESS, ADDRESS, len(content), len(content), 6, 16
        )
        table = bytes(40) + b"".join(
            struct.pack(order + "10I", name, 1, 3, ADDRESS + at - 4096, at, length, 0, 0, 16, 0)
            for name, at, length in rows
        )
    start = b"\x7fELF" + bytes((2 if is_64_bit else 1, 2 if order == ">" else 1, 1)) + bytes(9)
    front = start + head + program
    return front + bytes(4096 - len(front)) + content + table


def counted(text: bytes) -> bytes:
    length, found = len(text), b""
    while length > 127:
        found += bytes((length & 127 | 128,))
        length >>= 7
    return found + bytes((length,)) + text


def inline(lines: str, version: str = "go1.21.3") -> bytes:
    marked = MARK + lines.encode() + MARK if lines else b""
    return MAGIC + b"\x08\x02" + bytes(16) + counted(version.encode()) + counted(marked)
