"""Writes RPM headers and the databases around them, for tests: the least that their readers need."""

import sqlite3
import struct
from pathlib import Path

Value = str | list[str] | list[int]


def header(tags: dict[int, Value]) -> bytes:
    """The blob of a header: a text, texts, or numbers of 32 bits by tag (``FILE_MODES`` of 16)."""
    index, store = [], b""
    for tag, value in tags.items():
        match value:
            case str():
                kind, count, encoded = 6, 1, value.encode() + b"\0"
            case [str(), *_]:
                kind, count, encoded = 8, len(value), b"".join(str(text).encode() + b"\0" for text in value)
            case _:
                letter, kind, size = ("H", 3, 2) if tag == 1030 else ("I", 4, 4)
                store += bytes(-len(store) % size)
                count, encoded = len(value), struct.pack(f">{len(value)}{letter}", *value)
        index.append(struct.pack(">IIII", tag, kind, len(store), count))
        store += encoded
    return struct.pack(">II", len(index), len(store)) + b"".join(index) + store


def package(name: str, **more: Value) -> bytes:
    extra = {"requires": 1049, "provides": 1047, "license": 1014}
    tags: dict[int, Value] = {1000: name, 1001: "1.0", 1002: "1"}
    return header(tags | {extra[key]: value for key, value in more.items()})


def ndb(slots: list[tuple[int, int]], blobs: list[tuple[int, bytes]]) -> bytes:
    """Slots as (package, place of its blob in ``blobs``), blobs as (package, content)."""
    body, units = b"", []
    for owner, content in blobs:
        units.append((4096 + len(body)) // 16)
        body += struct.pack("<4sIII", b"BlbS", owner, 0, len(content)) + content
        body += bytes(-len(body) % 16)
    table = struct.pack("<4sIII", b"RpmP", 0, 1, 1) + bytes(16)
    for owner, place in slots:
        table += struct.pack("<4sIII", b"Slot", owner, units[place], 1)
    table += struct.pack("<4sIII", b"Slot", 0, 0, 0) * ((4096 - len(table)) // 16)
    return table + body


def sqlite(path: Path, statements: list[str]) -> bytes:
    """The bytes of a database made at ``path`` by ``statements``."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path.read_bytes()
