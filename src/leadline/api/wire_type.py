"""What the wire says of a type: its OpenAPI schema, its zero values, and whether JSON has its form.

All of it is derived from the Structs of stored kinds. A field of a Struct is plain where it is always written, and
``Maybe`` where it is left out when there is nothing to say.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Annotated, Any, ClassVar, TypeAlias, TypeVar

import msgspec
from msgspec import NODEFAULT, Meta, Struct, UnsetType, inspect

from leadline.foreign_errors import placed
from leadline.untyped import MALFORMED

T = TypeVar("T")
Maybe: TypeAlias = T | UnsetType
"""Of a field that is left out where it has nothing to say."""
List: TypeAlias = tuple[T, ...] | None
"""Null where it is empty, as clients in Go write it."""
Texts: TypeAlias = List[str]
Schema = dict[str, Any]
_ANYTHING: Schema = {"x-kubernetes-preserve-unknown-fields": True}
Members: TypeAlias = Annotated[dict[str, Any], Meta(extra={"schema": {"type": "object"}})]
"""An object whose fields are not described."""
UNDESCRIBED = Meta(extra={"schema": _ANYTHING})
"""Of a field that is ours to read, of which clients are promised nothing."""
HIDDEN = Meta(extra={"schema": None})
"""Of a field that is accepted, and not described."""


class Wire(Struct, frozen=True, rename="camel"):
    """A part of a stored object."""

    leading: ClassVar[tuple[str, ...]] = ()
    """Fields that clients find before those of the class that this one extends."""


def about(text: str) -> Meta:
    """The description of a field."""
    return Meta(description=text)


def zero(type_: Any) -> Any:
    """What existing clients find in place of a value that was not asked for."""
    return _zero(inspect.type_info(type_))


def _zero(info: inspect.Type) -> Any:
    match info:
        case inspect.Metadata(type=inner, extra=extra):
            return None if (extra or {}).get("schema") == _ANYTHING else _zero(inner)
        case inspect.StrType():
            return ""
        case inspect.IntType() | inspect.FloatType():
            return 0
        case inspect.BoolType():
            return False
        case inspect.DictType():
            return {}
        case inspect.StructType():
            return {f.encode_name: _zero(f.type) for f in _in_order(info) if not _is_left_out(f)}
        case _:
            return None


def _is_left_out(field: inspect.Field) -> bool:
    """Where nothing is said of it: ``inspect`` shows ``UNSET`` as no default at all."""
    return not field.required and field.default is NODEFAULT and field.default_factory is NODEFAULT


def _in_order(info: inspect.StructType) -> list[inspect.Field]:
    leading: tuple[str, ...] = getattr(info.cls, "leading", ())
    return sorted(info.fields, key=lambda field: field.name not in leading)


def schema(type_: Any) -> Schema:
    """As OpenAPI writes it; versions 2 and 3 agree on all of it."""
    return _schema(inspect.type_info(type_)) or {}


def _schema(info: inspect.Type) -> Schema | None:
    match info:
        case inspect.Metadata(type=inner, extra_json_schema=more, extra=extra):
            made = extra["schema"] if extra and "schema" in extra else _schema(inner)
            head = {"description": more["description"]} if more and "description" in more else {}
            return None if made is None else {**head, **made, **(more or {})}
        case inspect.UnionType(types=types):
            return _schema(next(one for one in types if not isinstance(one, inspect.NoneType)))
        case inspect.VarTupleType(item_type=item):
            return {"type": "array", "items": _schema(item)}
        case inspect.DictType(value_type=value):
            return {"type": "object", "additionalProperties": _schema(value)}
        case inspect.StructType(cls=cls):
            parts = {field.encode_name: _schema(field.type) for field in _in_order(info)}
            properties = {
                name: part if "description" in part else _described(cls, name, part)
                for name, part in parts.items()
                if part is not None
            }
            described = {"description": cls.__doc__} if cls.__doc__ else {}
            return {**described, "type": "object", "properties": properties}
        case inspect.StrType():
            return {"type": "string"}
        case inspect.IntType():
            return {"type": "integer"}
        case inspect.FloatType():
            return {"type": "number"}
        case inspect.BoolType():
            return {"type": "boolean"}
        case _:
            return dict(_ANYTHING)


def _described(cls: type, name: str, part: Schema) -> Schema:
    known = _descriptions()
    described = [f"{one.__name__}.{name}" for one in cls.__mro__]
    text = next((known[key] for key in (*described, name) if key in known), "")
    return {"description": text, **part} if text else part


@cache
def _descriptions() -> dict[str, str]:
    """Read where a schema is made, which only servers do."""
    found: dict[str, str] = tomllib.loads(
        resources.files("leadline.api").joinpath("field_descriptions.toml").read_text("utf-8")
    )
    return found


class Checker:
    """Says whether JSON has a type's form. Null passes for everything, as in Go; unknown fields only where not strict."""

    def __init__(self, type_: type[Struct], *, is_strict: bool) -> None:
        self._decoder = msgspec.json.Decoder(_accepted(inspect.type_info(type_), is_strict))

    def problem(self, content: bytes) -> tuple[str, str] | None:
        """The field, and what is wrong with it."""
        try:
            self._decoder.decode(content)
        except MALFORMED as error:
            return placed(error)
        return None


def _accepted(info: inspect.Type, is_strict: bool) -> Any:
    match info:
        case inspect.Metadata(type=inner, extra=extra):
            return Any if (extra or {}).get("schema") == _ANYTHING else _accepted(inner, is_strict)
        case inspect.UnionType(types=types):
            return _accepted(next(one for one in types if not isinstance(one, inspect.NoneType)), is_strict)
        case inspect.VarTupleType(item_type=item):
            return list[_accepted(item, is_strict)] | None  # type: ignore[misc]
        case inspect.DictType(value_type=value):
            return dict[str, _accepted(value, is_strict)] | None  # type: ignore[misc]
        case inspect.StructType(cls=cls, fields=fields):
            parts = [(field.name, _accepted(field.type, is_strict), None) for field in fields]
            names = {field.name: field.encode_name for field in fields}
            made = msgspec.defstruct(
                cls.__name__, parts, rename=names, forbid_unknown_fields=is_strict, gc=False
            )
            return made | None
        case inspect.StrType():
            return str | None
        case inspect.IntType():
            return int | None
        case inspect.FloatType():
            return float | None
        case inspect.BoolType():
            return bool | None
        case _:
            return Any


def without_nulls(value: Any, type_: Any) -> Any:
    """JSON that has a type's form, without what is null and may not be, so that the Struct's defaults take its place."""
    return _without_nulls(value, inspect.type_info(type_))


def _without_nulls(value: Any, info: inspect.Type) -> Any:
    match info, value:
        case inspect.Metadata(type=inner), _:
            return _without_nulls(value, inner)
        case inspect.UnionType(types=types), list():
            return _without_nulls(value, next(one for one in types if not isinstance(one, inspect.NoneType)))
        case inspect.VarTupleType(item_type=item), list():
            return [_without_nulls(one, item) for one in value if one is not None]
        case inspect.DictType(value_type=inner), dict():
            return {name: _without_nulls(one, inner) for name, one in value.items() if one is not None}
        case inspect.StructType(fields=fields), dict():
            members = {field.encode_name: field.type for field in fields}
            return {
                name: _without_nulls(one, members[name])
                for name, one in value.items()
                if name in members and (one is not None or _takes_null(members[name]))
            }
        case _:
            return value


def _takes_null(info: inspect.Type) -> bool:
    while isinstance(info, inspect.Metadata):
        info = info.type
    return isinstance(info, inspect.UnionType | inspect.AnyType)
