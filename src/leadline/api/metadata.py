"""The metadata of a stored object: what all kinds have."""

from typing import Annotated

from msgspec import Meta, field

from leadline.api.wire_type import HIDDEN, List, Texts, Wire

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
