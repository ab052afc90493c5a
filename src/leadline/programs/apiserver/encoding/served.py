"""A stored kind as the server has it: with what is worked out of it once."""

from typing import Literal

import orjson
from msgspec import Struct, defstruct

from leadline.api.kind import Kind
from leadline.api.metadata import Metadata
from leadline.api.wire_type import Checker, zero

Form = Literal["whole", "zeros", "metadata", "table"]
"""``zeros``: the real metadata, and zero values for everything else; ``metadata``: as PartialObjectMetadata."""


class Served(Struct, frozen=True):
    kind: Kind
    zero_body: bytes
    lenient: Checker
    strict: Checker


def serve(kind: Kind) -> Served:
    head = [("kind", str, ""), ("api_version", str, ""), ("metadata", Metadata, Metadata())]
    whole = defstruct(kind.name, head, bases=(kind.struct,), frozen=True)
    zeros = orjson.dumps(zero(kind.struct))
    return Served(kind, zeros, Checker(whole, is_strict=False), Checker(whole, is_strict=True))
