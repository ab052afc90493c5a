"""Stored objects as values. Any client may have written them: what is missing or null has the Struct's default."""

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from leadline.api.metadata import Metadata
from leadline.api.protocol import Entry
from leadline.api.wire_type import without_nulls
from leadline.errors import StoreError

S = TypeVar("S", bound=Struct)


class Reader(Generic[S]):
    """Reads objects of one kind."""

    def __init__(self, struct: type[S]) -> None:
        self._struct = struct
        self._decode = msgspec.json.Decoder(struct).decode

    def __call__(self, entry: Entry) -> S:
        """Raises: ``StoreError`` where it is no such object."""
        return self._read(entry, entry.content.body or b"{}")

    def _read(self, entry: Entry, content: bytes) -> S:
        try:
            return self._decode(content)
        except msgspec.ValidationError:
            return self._read_with_nulls(entry, content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise StoreError(f"{entry.key}: it cannot be read: {error}") from error

    def _read_with_nulls(self, entry: Entry, content: bytes) -> S:
        try:
            return msgspec.convert(without_nulls(msgspec.json.decode(content), self._struct), self._struct)
        except (msgspec.DecodeError, RecursionError) as error:
            raise StoreError(f"{entry.key}: it cannot be read: {error}") from error


class _MetadataReader(Reader[Metadata]):
    def __call__(self, entry: Entry) -> Metadata:
        return self._read(entry, entry.content.metadata)


metadata_of = _MetadataReader(Metadata)
"""Raises: ``StoreError``."""
