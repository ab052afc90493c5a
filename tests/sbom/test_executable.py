import random
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.packages.file import Unreadable
from leadline.sbom.parsers.executable import Executable, Section, is_executable

SECTIONS = {".demo": b"twelve bytes", ".empty": b""}


def elf(order: str, wide: bool) -> bytes:
    """An ELF file with one writable segment over its sections, which stand at 0x10000 and up."""
    names = b"\0" + b"".join(name.encode() + b"\0" for name in SECTIONS) + b".names\0"
    head, program = (64, 56) if wide else (52, 32)
    start = head + program
    body = b"".join(SECTIONS.values())
    rows, at = [(0, 0, 0, 0, 0, 0)], start
    for name, content in SECTIONS.items():
        rows.append((names.index(name.encode()), 1, 2, 0x10000 + at - start, at, len(content)))
        at += len(content)
    rows.append((names.index(b".names"), 3, 0, 0, at, len(names)))
    table = b"".join(
        struct.pack(order + ("IIQQQQ" if wide else "6I"), *row).ljust(64 if wide else 40, b"\0")
        for row in rows
    )
    mark = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2, 1)) + bytes(9)
    word = "Q" if wide else "I"
    header = struct.pack(order + f"HHI{word}{word}{word}I6H", 2, 62, 1, 0, head, at + len(names), 0, head, program, 1, 64 if wide else 40, len(rows), len(rows) - 1)  # fmt: skip
    if wide:
        segment = struct.pack(order + "IIQQQQQQ", 1, 6, start, 0x10000, 0, len(body), len(body), 0)
    else:
        segment = struct.pack(order + "8I", 1, start, 0x10000, 0, len(body), len(body), 6, 0)
    return mark + header + segment + body + names + table


def pe() -> bytes:
    optional = struct.pack("<H", 0x20B) + bytes(22) + struct.pack("<Q", 0x400000)
    start = 64 + 24 + len(optional) + 40
    row = struct.pack("<8sIIII", b".demo", 12, 0x1000, 12, start).ljust(36, b"\0") + struct.pack(
        "<I", 1 << 31
    )
    coff = b"PE\0\0" + struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, len(optional), 0)
    return b"MZ" + bytes(58) + struct.pack("<I", 64) + coff + optional + row + SECTIONS[".demo"]


def macho() -> bytes:
    section = struct.pack("<16s16sQQI", b".demo", b"__DATA", 0x10000, 12, 32 + 72 + 80).ljust(80, b"\0")
    segment = struct.pack(
        "<II16sQQQQIIII", 0x19, 72 + 80, b"__DATA", 0x10000, 12, 32 + 72 + 80, 12, 7, 2, 1, 0
    )
    return (
        b"\xcf\xfa\xed\xfe"
        + struct.pack("<7I", 0x01000007, 3, 2, 1, 152, 0, 0)
        + segment
        + section
        + SECTIONS[".demo"]
    )


def fat() -> bytes:
    inner = macho()
    return (b"\xca\xfe\xba\xbe" + struct.pack(">6I", 1, 0x01000007, 3, 4096, len(inner), 12)).ljust(
        4096, b"\0"
    ) + inner


@pytest.mark.parametrize(
    ("content", "name", "address"),
    [
        (elf("<", True), ".demo", 0x10000),
        (elf("<", False), ".demo", 0x10000),
        (elf(">", True), ".demo", 0x10000),
        (elf(">", False), ".demo", 0x10000),
        (pe(), ".demo", 0x401000),
        (macho(), "__DATA,.demo", 0x10000),
        (fat(), "__DATA,.demo", 0x10000),
    ],
    ids=["elf64", "elf32", "elf64 big", "elf32 big", "pe", "mach-o", "fat mach-o"],
)
def test_section_is_found_by_name_and_by_address(content: bytes, name: str, address: int) -> None:
    executable = Executable(content)
    assert executable.section("absent", name) == b"twelve bytes"
    assert executable.bytes_at(address + 7, 100) == b"bytes"
    assert executable.bytes_at(address - 1, 5) == b""
    assert b"".join(executable.writable()) == b"twelve bytes"
    assert executable.has_section(name)
    assert not executable.has_section("absent")


def test_section_without_content_in_the_file_is_empty() -> None:
    content = bytearray(elf("<", True))
    row = content.rindex(struct.pack("<II", 1, 1))
    content[row + 4 : row + 8] = struct.pack("<I", 8)
    assert Executable(bytes(content)).sections[1] == Section(".demo", 120, 0, 0x10000)


def test_head_of_an_executable_tells_its_segments() -> None:
    content = elf("<", True)
    assert Executable(content[:130], is_head=True).segments == Executable(content).segments


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\x7fELF\2\1\1\0", True),
        (b"MZ\x90\0", True),
        (b"\xca\xfe\xba\xbe\0\0\0\2", True),
        (b"\xca\xfe\xba\xbe\0\0\0\x3d", False),
        (b"#!/bin/sh", False),
        (b"", False),
    ],
)
def test_executables_are_told_from_classes_and_scripts(head: bytes, expected: bool) -> None:
    assert is_executable(head) is expected


def test_program_of_this_machine_is_read() -> None:
    program = Executable(Path("/proc/self/exe").read_bytes())
    assert program.section(".interp", ".text")


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_damaged_executables_are_unreadable_or_bounded(seed: int) -> None:
    chance = random.Random(seed)
    content = bytearray(chance.choice((elf("<", True), elf(">", False), pe(), macho(), fat())))
    for _ in range(chance.randint(1, 20)):
        content[chance.randrange(4, len(content))] = chance.choice((0, 1, 255, chance.randrange(256)))
    del content[chance.randrange(len(content)) :]
    try:
        executable = Executable(bytes(content))
    except Unreadable:
        return
    for section in executable.sections:
        assert len(executable.section(section.name)) <= len(content)
    for segment in executable.segments:
        assert len(executable.bytes_at(segment.address, 1 << 62)) <= len(content)
