"""The file that turns pseudonyms back: the key that they are made with, and every text that has one.

Anyone who has it can read the reports; it stays with their owner. It is written whole, mode 0600, and refused where others
could have written or read it.
"""

import base64
import os
import secrets
import stat
from pathlib import Path

import msgspec
from msgspec import Struct

from leadline.errors import StoreError, UsageError
from leadline.outputs.pseudonyms.names import Names
from leadline.whole_file import write_whole

_FORMAT = "leadline-names-1"
_MOST_BYTES = 256 << 20
_KEY_BYTES = 32


class _Content(Struct):
    format: str
    key: str
    """32 bytes in base64."""
    names: dict[str, str]
    """Pseudonym to text."""


def read_names(path: str, *, may_be_new: bool) -> Names:
    """The names in the file; new ones with a fresh key where it is not there and ``may_be_new``.

    Raises: ``UsageError`` for a file that is none of these, ``StoreError`` for one that others can read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except FileNotFoundError:
        if may_be_new:
            return Names(secrets.token_bytes(_KEY_BYTES))
        raise UsageError(f"no such file: {path}", hint="it is the file that --redact wrote") from None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    with os.fdopen(descriptor, "rb") as stream:
        status = os.fstat(stream.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} is not a file of names")
        if hasattr(os, "geteuid") and status.st_mode & 0o077:
            raise StoreError(f"{path} can be read by others than its owner", hint=f"chmod 600 {path}")
        content = stream.read(_MOST_BYTES + 1)
    try:
        read = msgspec.json.decode(content, type=_Content)
        key = base64.b64decode(read.key, validate=True)
    except (msgspec.DecodeError, ValueError) as error:
        raise UsageError(
            f"{path} is not a file of names", hint="--redact writes one where none is"
        ) from error
    if read.format != _FORMAT or len(key) != _KEY_BYTES or len(content) > _MOST_BYTES:
        raise UsageError(f"{path} is not a file of names", hint="--redact writes one where none is")
    return Names(key, read.names)


def write_names(path: str, names: Names) -> None:
    """Writes the file whole, readable by its owner alone.

    Raises: ``StoreError`` where it cannot be written.
    """
    content = msgspec.json.encode(_Content(_FORMAT, base64.b64encode(names.key).decode(), names.texts))
    try:
        write_whole(Path(path), content, 0o600)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {(error.strerror or str(error)).lower()}") from error
