"""The forms in which objects leave: whole, with zeros in place of bodies, as metadata alone, as rows of a table.

All of them join stored bytes; nothing is decoded that is not shown.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from msgspec import Struct

from leadline.api.protocol import Entry
from leadline.programs.apiserver.encoding.moment import age
from leadline.programs.apiserver.encoding.served import Form, Served
from leadline.programs.serving.cluster import refusal

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
