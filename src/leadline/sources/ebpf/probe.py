"""What a probe is to user space: which programs of the kernel side it needs, and how its records become events."""

import posixpath
import socket
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from msgspec import Struct

from leadline.model.event import CUT, PSEUDO, Event

FOLDER_BYTES = 1024
"""Room for a folder in a record; what has none of the outer folders is cut off."""
HEAD = (
    "at_ns", "ns_id", "exe_id", "kind", "flags", "pid", "parent_pid", "uid", "gid", "tid", "program",
)  # fmt: skip
"""The first fields of every record."""

Head: TypeAlias = tuple[int, int, int, int, int, int, str, int]
"""The first fields of every event, in their order."""
Fields: TypeAlias = tuple[int | bytes, ...]
"""Those of the record after its head, in the order of the structure."""


class Decoder(Struct, frozen=True):
    """One kind of record."""

    kind: str
    """As the kernel side names it, such as ``RECORD_EXEC``."""
    layout: str
    """Name of the structure."""
    fields: tuple[str, ...]
    """Those after the head; a test and the loader compare them with the object's."""
    decode: Callable[[Head, Fields, bytes], Event | None]
    """With the bytes after the fields; ``None`` where they say nothing."""
    tail: str = ""
    """The field of varying length."""


class Probe(Struct, frozen=True):
    name: str
    programs: tuple[str, ...]
    """Of the kernel side; each that cannot be loaded or attached disables only itself."""
    gives: str
    """What is known by it, for ``agent check``."""
    decoders: tuple[Decoder, ...] = ()


CALL_FIELDS = (
    "syscall", "first", "second", "third", "one_size", "two_size", "one_folder_size", "two_folder_size",
)  # fmt: skip


def call_decoder(kind: str, decode: Callable[[Head, Fields, tuple[str, str]], Event | None]) -> Decoder:
    """Of a system call with up to three numbers and two texts; relative paths become absolute ones where the folder is known."""

    def decoded(head: Head, fields: Fields, tail: bytes) -> Event | None:
        one, two, one_folder, two_folder = map(number, fields[4:8])
        folders = tail[one + two :]
        texts = (
            _from_root(text(tail[:one]), folders[:one_folder]),
            _from_root(text(tail[one : one + two]), folders[one_folder : one_folder + two_folder]),
        )
        return decode(head, fields, texts)

    return Decoder(kind, "call_record", CALL_FIELDS, decoded, tail="text")


def _from_root(path: str, folder: bytes) -> str:
    """``folder`` as the kernel side writes it, empty where it says none. A link within ``path`` is not followed: ``x/..`` is here."""
    return posixpath.normpath(posixpath.join(folder_path(folder), path)) if folder else path


def number(field: int | bytes) -> int:
    return field if isinstance(field, int) else 0


def content(field: int | bytes) -> bytes:
    return field if isinstance(field, bytes) else b""


def text(raw: bytes) -> str:
    """Up to the first zero byte."""
    return raw.partition(b"\0")[0].decode("utf-8", "replace")


@lru_cache(maxsize=4_096)
def program_name(raw: bytes) -> str:
    """The 16 bytes of a process's own name: few differ."""
    return text(raw)


def joined_path(raw: bytes, flags: int) -> str:
    """The path whose components lie in ``raw``, the last one first."""
    parts = raw.rstrip(b"\0").decode("utf-8", "replace").split("\0")
    if flags & PSEUDO:
        return parts[0]
    path = "/" + "/".join(reversed(parts)) if parts[0] else "/"
    return f"…{path}" if flags & CUT else path


def folder_path(raw: bytes) -> str:
    """The root has no components, or its own name, which is ``/``."""
    if not raw:
        return ""
    is_cut = len(raw) >= FOLDER_BYTES - 1
    return "/" if raw == b"/\0" else joined_path(raw, CUT if is_cut else 0)


def address_text(raw: bytes, is_ipv6: bool) -> str:
    """IPv4 addresses within IPv6 as what they are."""
    if not is_ipv6:
        return socket.inet_ntop(socket.AF_INET, raw[:4])
    if raw[:12] == b"\0" * 10 + b"\xff\xff":
        return socket.inet_ntop(socket.AF_INET, raw[12:16])
    return socket.inet_ntop(socket.AF_INET6, raw[:16])
