"""What a stored kind is: one Struct, and what a server and its clients do with it.

Discovery, OpenAPI, tables, validation, limits, readers and writers follow from the Struct and its row. A new kind is one
Struct and one ``Kind`` in a file of ``kinds``.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct

GROUP = "spdx.softwarecomposition.kubescape.io"
VERSION = "v1beta1"
OUR_GROUP = "leadline.dev"
OUR_VERSION = "v1alpha1"
PREFIX = "kubescape.io/"
"""Of labels and annotations that clients of other tools know."""
VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
READING = ("get", "list", "watch")
CATEGORIES = ("leadline",)
"""``kubectl get leadline`` lists every kind that is served."""
MIB = 2**20

Body = dict[str, Any]
Cell = Callable[[Body], Any]


class Column(Struct, frozen=True):
    """A cell is worked out when an object is written, not when it is listed. Priority 1 needs ``-o wide``."""

    title: str
    type: str
    """OpenAPI's, or ``date``: shown as the time that has passed since."""
    source: str | Cell
    """Names of fields joined by dots, ``annotation:NAME``, ``label:NAME``, or a function of the whole object."""
    description: str
    priority: int = 0

    def cell(self, body: Body) -> Any:
        """An integer counts the members of a list or map, and is 0 where there is nothing."""
        if not isinstance(self.source, str):
            return self.source(body)
        where, _, name = self.source.partition(":")
        value = at(body, "metadata", f"{where}s", PREFIX + name) if name else at(body, *where.split("."))
        if self.type != "integer":
            return value
        return value if isinstance(value, int) else len(value) if isinstance(value, list | dict) else 0


def at(body: Any, *path: str) -> Any:
    """``None`` where there is nothing at ``path``."""
    for name in path:
        body = body.get(name) if isinstance(body, dict) else None
    return body


def named_at(*path: str) -> Cell:
    """Shows the object at ``path`` as ``Deployment/web``, or its kind alone."""

    def shown(body: Body) -> str:
        kind, name = at(body, *path, "kind"), at(body, *path, "name")
        return f"{kind}/{name}" if kind and name else str(kind or "")

    return shown


def severity_columns(names: tuple[str, ...], source: Callable[[str], str | Cell], what: str) -> list[Column]:
    """The first four severities; the others are shown with ``-o wide``."""
    return [
        Column(name.title(), "integer", source(name), f"{what} of {name} severity", int(number > 3))
        for number, name in enumerate(names)
    ]


def _as_sent(_: Body) -> None:
    pass


class Writer(Struct, frozen=True):
    """Who writes an object, as the server knows it, and when."""

    name: str
    at: str
    """As Kubernetes writes moments."""
    node: str = ""
    """Where the pod runs that the account's token belongs to; empty for a person."""


def nothing_to_decide(new: Body | None, old: Body | None, writer: Writer) -> str:
    return ""


class Kind(Struct, frozen=True):
    struct: type[Struct]
    """Everything beside ``kind``, ``apiVersion`` and ``metadata``; the kind has its name."""
    plural: str
    columns: tuple[Column, ...]
    is_namespaced: bool = True
    is_computed: bool = False
    """Made from other kinds; cannot be written."""
    is_view: bool = False
    """Worked out when it is asked for; nothing of it is stored."""
    lists_whole: bool = False
    """Lists and watches show the whole object although it is not asked for; elsewhere existing clients expect zeros."""
    max_bytes: int = 400_000
    """Of one object as a request body."""
    max_writers: int = 100
    """Requests that write at a time; the next is asked to come again."""
    tidy: Callable[[Body], None] = _as_sent
    """Brings a body that has passed its check into the exact form that clients rely on."""
    decide: Callable[[Body | None, Body | None, Writer], str] = nothing_to_decide
    """Sets what only the server says in the first, which takes the place of the second; the reason where it may not.

    Without a first one the second is deleted.
    """
    group: str = GROUP
    version: str = VERSION
    short_names: tuple[str, ...] = ()
    """What ``kubectl`` takes in place of the plural."""

    @property
    def name(self) -> str:
        return self.struct.__name__

    @property
    def singular(self) -> str:
        return self.name.lower()

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}"

    @property
    def verbs(self) -> tuple[str, ...]:
        return READING if self.is_computed else VERBS


our_kind = partial(Kind, group=OUR_GROUP, version=OUR_VERSION, lists_whole=True)
"""One that no other tool knows."""
