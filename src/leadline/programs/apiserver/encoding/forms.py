"""The forms in which objects leave: whole, with zeros in place of bodies, as metadata alone, as rows of a table.

All of them join stored bytes; nothing is decoded that is not shown.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
from msgspec import Struct, defstruct

from leadline.api.kind import Kind
from leadline.api.protocol import Entry
from leadline.api.stored import Metadata
from leadline.api.wire_type import Checker, zero
from leadline.programs.serving.cluster import refusal

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


_DAY_S = 86_400


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def age(moment: str, at: datetime) -> str:
    """``5m``, ``3d``; ``<unknown>`` where ``moment`` is none. As duration.HumanDuration of k8s.io/apimachinery."""
    try:
        then = datetime.fromisoformat(moment)
    except ValueError:
        return "<unknown>"
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = max(0, int((at - then).total_seconds()))
    return _words(seconds)


def _words(seconds: int) -> str:
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // _DAY_S
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    if days < 730:
        return f"{days}d"
    return f"{days // 365}y"


META_VERSION = "meta.k8s.io/v1"
_JSON = frozenset({"application/json", "application/*", "*/*"})
_FORMS: dict[str, Form] = {
    "Table": "table",
    "PartialObjectMetadata": "metadata",
    "PartialObjectMetadataList": "metadata",
}


def form_asked_for(accept: str) -> Form:
    """``whole`` names the kind's own form. Raises: ``Refusal`` where we have none of those accepted."""
    for clause in (accept or "*/*").split(","):
        media, *rest = (part.strip() for part in clause.split(";"))
        pairs = dict(part.split("=", 1) for part in rest if "=" in part)
        if media not in _JSON:
            continue
        if "as" not in pairs:
            return "whole"
        if (pairs.get("g"), pairs.get("v")) == ("meta.k8s.io", "v1") and pairs["as"] in _FORMS:
            return _FORMS[pairs["as"]]
    raise refusal.not_acceptable()


class Shown(Struct, frozen=True):
    """How one request wants objects of one kind."""

    served: Served
    form: Form
    include: str = ""
    """What the rows of a table carry: ``None``, ``Metadata`` (the default) or ``Object``."""

    @property
    def needs_body(self) -> bool:
        return self.form == "whole" or (self.form == "table" and self.include == "Object")

    @property
    def kind_and_version(self) -> tuple[bytes, bytes]:
        if self.form == "metadata":
            return b"PartialObjectMetadata", META_VERSION.encode()
        kind = self.served.kind
        return kind.name.encode(), kind.api_version.encode()

    def one(self, entry: Entry) -> bytes:
        if self.form == "table":
            row = _row(self.served, entry, self._row_object(entry))
            return _table_head(self.served, {"resourceVersion": str(entry.revision)}) + row + b"]}"
        return self._plain(entry)

    def many(self, entries: Iterable[Entry]) -> bytes:
        """Between the head and the end of a list."""
        if self.form == "table":
            return b",".join(_row(self.served, entry, self._row_object(entry)) for entry in entries)
        if self.form == "metadata":
            kind, version = self.kind_and_version
            head = b'{"kind":"%s","apiVersion":"%s","metadata":' % (kind, version)
            return b",".join([b"%s%s}" % (head, entry.metadata) for entry in entries])
        return b",".join(map(self._plain, entries))

    def head(self, metadata: Mapping[str, Any]) -> bytes:
        """The beginning of a list; ``]}`` ends it."""
        if self.form == "table":
            return _table_head(self.served, metadata)
        kind, version = self.kind_and_version
        return b'{"kind":"%sList","apiVersion":"%s","metadata":%s,"items":[' % (
            kind,
            version,
            orjson.dumps(metadata),
        )

    def mark(self, metadata: Mapping[str, Any]) -> bytes:
        """The object of a bookmark: of the kind that the watch shows, with no more than ``metadata``."""
        metadata = {"creationTimestamp": None, **metadata}
        if self.form == "table":
            return _table_head(self.served, metadata) + b"]}"
        kind, version = self.kind_and_version
        tail = b"," + self.served.zero_body[1:-1] if self.form != "metadata" else b""
        return b'{"kind":"%s","apiVersion":"%s","metadata":%s%s}' % (
            kind,
            version,
            orjson.dumps(metadata),
            tail,
        )

    def _plain(self, entry: Entry) -> bytes:
        kind, version = self.kind_and_version
        match self.form:
            case "metadata":
                return b'{"kind":"%s","apiVersion":"%s","metadata":%s}' % (kind, version, entry.metadata)
            case "zeros":
                rest = self.served.zero_body[1:-1]
            case _:
                rest = (
                    entry.content.body[1:-1] if len(entry.content.body) > 2 else self.served.zero_body[1:-1]
                )
        comma = b"," if rest else b""
        return b'{"kind":"%s","apiVersion":"%s","metadata":%s%s%s}' % (
            kind,
            version,
            entry.metadata,
            comma,
            rest,
        )

    def _row_object(self, entry: Entry) -> bytes:
        if self.include == "None":
            return b"null"
        return Shown(self.served, "whole" if self.include == "Object" else "metadata")._plain(entry)


def _table_head(served: Served, metadata: Mapping[str, Any]) -> bytes:
    shown = [
        ("Name", "string", "name", "name of the object", 0),
        *(
            (c.title, "string" if c.type == "date" else c.type, "", c.description, c.priority)
            for c in served.kind.columns
        ),
        ("Age", "string", "", "time since the object was first stored", 0),
    ]
    definitions = [
        {"name": title, "type": type_, "format": format_, "description": description, "priority": priority}
        for title, type_, format_, description, priority in shown
    ]
    table = {
        "kind": "Table",
        "apiVersion": META_VERSION,
        "metadata": metadata,
        "columnDefinitions": definitions,
        "rows": [],
    }
    return orjson.dumps(table)[:-2]


def _row(served: Served, entry: Entry, shown: bytes) -> bytes:
    now = datetime.now(UTC)
    cells = [entry.key.name, *orjson.loads(entry.content.columns)]
    for number, column in enumerate(served.kind.columns, 1):
        if number < len(cells) and column.type == "date":
            cells[number] = age(cells[number], now) if isinstance(cells[number], str) else "<unknown>"
    created = orjson.loads(entry.content.metadata).get("creationTimestamp")
    cells.append(age(created, now) if isinstance(created, str) else "<unknown>")
    return b'{"cells":%s,"object":%s}' % (orjson.dumps(cells), shown)
