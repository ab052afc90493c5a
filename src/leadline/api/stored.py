"""Stored objects as values. Any client may have written them: what is missing or null has the Struct's default."""

from typing import Annotated, Generic, TypeVar

import msgspec
from msgspec import Meta, Struct, field

from leadline.api.protocol import Entry
from leadline.api.wire_type import HIDDEN, List, Texts, Wire, without_nulls
from leadline.errors import StoreError
from leadline.foreign_errors import in_words
from leadline.untyped import MALFORMED

_Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
_UNDESCRIBED_OBJECT = Meta(extra={"schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}})
_Number = Annotated[int, Meta(extra_json_schema={"format": "int64"})]


class OwnerReference(Wire, frozen=True):
    api_version: str = ""
    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False
    block_owner_deletion: bool = False


class ManagedFields(Wire, frozen=True):
    manager: str = ""
    operation: str = ""
    api_version: str = ""
    time: str = ""
    fields_type: str = ""
    subresource: str = ""
    fields_v1: dict[str, object] = field(default={}, name="fieldsV1")


class Metadata(Wire, frozen=True):
    """Standard object's metadata."""

    name: str = ""
    namespace: str = ""
    generate_name: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    uid: str = ""
    resource_version: str = ""
    generation: _Number = 0
    creation_timestamp: _Moment = ""
    deletion_timestamp: _Moment = ""
    deletion_grace_period_seconds: _Number = 0
    finalizers: Texts = None
    owner_references: List[OwnerReference] = None
    managed_fields: List[Annotated[ManagedFields, _UNDESCRIBED_OBJECT]] = None
    self_link: Annotated[str, HIDDEN] = ""


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
        except MALFORMED as error:
            raise StoreError(f"{entry.key}: it cannot be read: {in_words(error)}") from error

    def _read_with_nulls(self, entry: Entry, content: bytes) -> S:
        try:
            return msgspec.convert(without_nulls(msgspec.json.decode(content), self._struct), self._struct)
        except MALFORMED as error:
            raise StoreError(f"{entry.key}: it cannot be read: {in_words(error)}") from error


class _MetadataReader(Reader[Metadata]):
    def __call__(self, entry: Entry) -> Metadata:
        return self._read(entry, entry.content.metadata)


metadata_of = _MetadataReader(Metadata)
"""Raises: ``StoreError``."""
