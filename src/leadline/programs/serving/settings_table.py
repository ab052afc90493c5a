"""Settings of a program from a file, the environment and flags, of which the last win: one field of a struct each.

The flag of ``full_scan`` is ``--full-scan``, its variable the prefix and ``FULL_SCAN``, its key in a file ``fullScan``;
lists are written with commas in the first two. A field that is a struct is a table in the file; of its own fields those
that are texts, numbers, switches or lists have flags and variables, ``--images-workers``.
"""

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Generic, TypeVar, get_type_hints

import click
import msgspec
from msgspec import Meta, Struct

from leadline.errors import SourceError, UsageError
from leadline.foreign_errors import in_words
from leadline.sources.regular_file import read_regular
from leadline.sources.yaml.parser import Limits, parse_documents

_LIMITS = Limits(size_bytes=1 << 20, documents=1, nodes=50_000, alias_nodes=1_000, depth=40)
Texts = tuple[str, ...]
S = TypeVar("S", bound=Struct)


class _Place(Struct, frozen=True):
    """Where a setting is."""

    table: str
    """The field of the whole that it is part of; empty for one of its own fields."""
    holder: type[Struct]
    name: str
    kind: Any


class SettingsTable(Generic[S]):
    """Of one program. ``prefix`` begins the names of its variables: ``LEADLINE_``."""

    def __init__(self, whole: type[S], prefix: str, example: str) -> None:
        """``example`` of a line of the file, for who gives one without settings."""
        self._whole = whole
        self._prefix = prefix
        self._example = example
        self._places: dict[str, _Place] = {}
        for name, kind in get_type_hints(whole).items():
            if isinstance(kind, type) and issubclass(kind, Struct):
                for own, inner in get_type_hints(kind).items():
                    self._add(f"{name}_{own}", _Place(name, kind, own, inner))
            else:
                self._add(name, _Place("", whole, name, kind))

    def read(self, file: str, environ: Mapping[str, str], flags: Mapping[str, Any]) -> S:
        """``flags`` by the names of the fields; those that were not given are ``None``.

        Raises: ``UsageError`` for what is unknown or has no meaning.
        """
        given: dict[str, Any] = self._of_file(file) if file else {}
        for name, place in self._places.items():
            variable = f"{self._prefix}{name.upper()}"
            written = environ.get(variable)
            if written is not None:
                _set(given, place, _value(written, place.kind, variable))
            if flags.get(name) is not None:
                _set(given, place, flags[name])
        try:
            whole = msgspec.convert(given, self._whole)
        except msgspec.ValidationError as error:
            raise UsageError(f"settings: {in_words(error)}") from error
        for place in self._places.values():
            holder = getattr(whole, place.table) if place.table else whole
            value, choices = getattr(holder, place.name), _choices(place)
            if choices and value not in choices:
                key = _key(place.holder, place.name)
                raise UsageError(f"{key}: {value[:100]} is none of {', '.join(choices)}")
        return whole

    def schema(self) -> dict[str, Any]:
        """JSON Schema of the file: every setting with its type, default, bounds and description."""
        return msgspec.json.schema(self._whole)

    def flags(self) -> list[click.Option]:
        """A flag for each setting."""
        options = []
        for name, place in self._places.items():
            flag = f"--{name.replace('_', '-')}"
            shown = f"{_description(place)} [{self._prefix}{name.upper()}]"
            if place.kind is bool:
                options.append(click.Option([f"{flag}/--no-{flag[2:]}"], default=None, help=shown))
            elif place.kind is Texts:
                options.append(click.Option([flag], callback=_split, metavar="A,B", help=shown))
            else:
                options.append(click.Option([flag], type=place.kind, default=None, help=shown))
        return options

    def command(self, name: str, run: Callable[..., object], variable: str) -> click.Command:
        """Hands ``run`` the file of settings, which ``variable`` may name too, and what of ``flags`` was given."""
        return click.Command(
            name,
            callback=run,
            params=[
                click.Option(
                    ["--config"], default="", metavar="FILE", help=f"Settings: YAML or JSON. [{variable}]"
                ),
                *self.flags(),
            ],
            help=run.__doc__,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
        )

    def _add(self, name: str, place: _Place) -> None:
        if place.kind in (str, bool, int, float, Texts):
            self._places[name] = place

    def _of_file(self, file: str) -> dict[str, Any]:
        try:
            given = read_mapping(file, f"write for example {self._example}")
        except SourceError as error:
            raise UsageError(str(error)) from error
        known = [field.encode_name for field in msgspec.structs.fields(self._whole)]
        for key in given:
            if key not in known:
                near = get_close_matches(str(key), known, n=1)
                raise UsageError(
                    f"{file}: unknown setting {key}", hint=f"did you mean {near[0]}?" if near else ""
                )
        return given


def read_mapping(file: str, hint: str) -> dict[str, Any]:
    """The one mapping in a file of YAML or JSON, empty for an empty file.

    Raises: ``SourceError`` where it cannot be read, ``UsageError`` with ``hint`` where it holds anything else.
    """
    try:
        content = read_regular(file, _LIMITS.size_bytes + 1)
    except OSError as error:
        raise SourceError(f"cannot read {file}: {(error.strerror or str(error)).lower()}") from error
    if len(content) > _LIMITS.size_bytes:
        raise SourceError(f"{file} is larger than {_LIMITS.size_bytes >> 20} MiB")
    documents = parse_documents(content, _LIMITS)
    for document in documents:
        if document.problem is not None:
            raise UsageError(f"{file}:{document.problem.line}: {document.problem.why}")
    body = documents[0].body if documents else None
    if body is None:
        return {}
    if len(documents) > 1 or not isinstance(body, dict):
        raise UsageError(f"{file} is not one YAML mapping", hint=hint)
    return body


def _split(context: click.Context, option: click.Parameter, value: str | None) -> Texts | None:
    del context, option
    return None if value is None else _texts(value)


def _texts(value: str) -> Texts:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _set(given: dict[str, Any], place: _Place, value: Any) -> None:
    key = _key(place.holder, place.name)
    if place.table:
        table = given.get(place.table)
        given[place.table] = {**(table if isinstance(table, dict) else {}), key: value}
    else:
        given[key] = value


def _key(holder: type[Struct], name: str) -> str:
    """As it is written in a file."""
    return next(one.encode_name for one in msgspec.structs.fields(holder) if one.name == name)


def choice(description: str, *words: str) -> Meta:
    """Of a text that is one of ``words``."""
    return Meta(description=description, extra_json_schema={"enum": list(words)})


def _meta(place: _Place) -> Meta:
    hint = get_type_hints(place.holder, include_extras=True)[place.name]
    marks: Sequence[Any] = getattr(hint, "__metadata__", ())
    return next((one for one in marks if isinstance(one, Meta)), Meta())


def _description(place: _Place) -> str:
    return _meta(place).description or ""


def _choices(place: _Place) -> Sequence[str]:
    return tuple((_meta(place).extra_json_schema or {}).get("enum", ()))


def _value(written: str, kind: Any, where: str) -> Any:
    if kind is Texts:
        return _texts(written)
    if kind is str:
        return written
    try:
        return msgspec.convert(written.strip().lower(), kind, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"{where} is no {'number' if kind is not bool else 'true or false'}") from error
