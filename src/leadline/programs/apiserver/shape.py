"""Shapes of JSON: one description from which zero values, OpenAPI schemas and validation follow."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

Type = Literal["string", "integer", "number", "boolean", "any", "list", "map", "object"]


class Shape(Struct, frozen=True):
    """``of`` is what a list or map holds; ``optional`` names the fields of an object that are left out when empty."""

    type: Type
    of: "Shape | None" = None
    fields: Mapping[str, "Shape"] = {}
    optional: frozenset[str] = frozenset()
    description: str = ""


TEXT = Shape("string")
INTEGER = Shape("integer")
NUMBER = Shape("number")
BOOLEAN = Shape("boolean")
ANY = Shape("any")
"""Whatever JSON."""
TEXTS = Shape("list", TEXT)
TEXT_MAP = Shape("map", TEXT)


def list_of(shape: Shape, description: str = "") -> Shape:
    return Shape("list", shape, description=description)


def map_of(shape: Shape, description: str = "") -> Shape:
    return Shape("map", shape, description=description)


def record(fields: Mapping[str, Shape], description: str = "") -> Shape:
    """An object; a name that ends in ``?`` is optional."""
    names = {name.removesuffix("?"): shape for name, shape in fields.items()}
    optional = frozenset(name[:-1] for name in fields if name.endswith("?"))
    return Shape("object", fields=names, optional=optional, description=description)


def texts(*names: str) -> dict[str, Shape]:
    """Fields of text."""
    return dict.fromkeys(names, TEXT)


def zero(shape: Shape) -> Any:
    """What existing clients find in place of a value that was not asked for."""
    match shape.type:
        case "string":
            return ""
        case "integer" | "number":
            return 0
        case "boolean":
            return False
        case "map":
            return {}
        case "list" | "any":
            return None
        case "object":
            return {name: zero(field) for name, field in shape.fields.items() if name not in shape.optional}


def schema(shape: Shape) -> dict[str, Any]:
    """As OpenAPI writes it; versions 2 and 3 agree on all of it."""
    made: dict[str, Any] = {"description": shape.description} if shape.description else {}
    match shape.type:
        case "any":
            made["x-kubernetes-preserve-unknown-fields"] = True
        case "list":
            made |= {"type": "array", "items": schema(shape.of or ANY)}
        case "map":
            made |= {"type": "object", "additionalProperties": schema(shape.of or ANY)}
        case "object":
            made["type"] = "object"
            if shape.fields:
                made["properties"] = {name: schema(field) for name, field in shape.fields.items()}
        case _:
            made["type"] = shape.type
    return made


class Checker:
    """Says whether JSON has a shape. Null passes for everything, as in Go; unknown fields only where not strict."""

    def __init__(self, shape: Shape, *, strict: bool) -> None:
        self._decoder = msgspec.json.Decoder(_type_of(shape, strict, "Body"))

    def problem(self, content: bytes) -> str:
        """Empty where there is none."""
        try:
            self._decoder.decode(content)
        except (msgspec.ValidationError, msgspec.DecodeError, RecursionError) as error:
            return str(error)
        return ""


def _type_of(shape: Shape, strict: bool, name: str) -> Any:
    match shape.type:
        case "string":
            return str | None
        case "integer":
            return int | None
        case "number":
            return float | None
        case "boolean":
            return bool | None
        case "list":
            return list[_type_of(shape.of or ANY, strict, name)] | None  # type: ignore[misc]
        case "map":
            return dict[str, _type_of(shape.of or ANY, strict, name)] | None  # type: ignore[misc]
        case "object" if shape.fields:
            return _struct(shape, strict, name) | None
        case "object":
            return dict[str, Any] | None
        case _:
            return Any


def _struct(shape: Shape, strict: bool, name: str) -> Any:
    fields = [
        (f"field{number}", _type_of(field, strict, f"{name}{number}"), None)
        for number, field in enumerate(shape.fields.values())
    ]
    rename = {f"field{number}": field for number, field in enumerate(shape.fields)}
    return msgspec.defstruct(name, fields, rename=rename, forbid_unknown_fields=strict, gc=False)
