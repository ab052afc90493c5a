"""What a request asks for, taken out of its path and its parameters."""

import re

from msgspec import Struct

from leadline.api.kind import Kind
from leadline.api.protocol import MAX_PAGE_ROWS
from leadline.api.selection import Requirement, Selection, parse_fields, parse_labels
from leadline.errors import UsageError
from leadline.programs.apiserver.encoding.forms import Form, Served, Shown, form_asked_for
from leadline.programs.apiserver.exchange import Exchange
from leadline.programs.serving.cluster import refusal

_PATH = re.compile(r"/apis/([^/]+)/([^/]+)(?:/namespaces/([^/]+))?/([a-z]+)(?:/([^/]+))?")
_COLLECTION_VERBS = {"GET": "list", "POST": "create", "DELETE": "deletecollection"}
_OBJECT_VERBS = {"GET": "get", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
_MODES = frozenset({"fullSpec", "metadata"})
"""Existing clients choose with ``resourceVersion`` whether bodies come along."""
MAX_LIMIT = 100_000


class Target(Struct, frozen=True):
    """Objects of a kind; ``name`` is empty for all of them."""

    served: Served
    namespace: str
    name: str
    verb: str

    @property
    def kind(self) -> Kind:
        return self.served.kind


def target_of(exchange: Exchange, served: dict[tuple[str, str, str], Served]) -> Target | None:
    """``None`` for a path that is not a kind's. Raises: ``Refusal`` for a method that its path does not have."""
    found = _PATH.fullmatch(exchange.path)
    kind = served.get((found[1], found[2], found[4])) if found else None
    if found is None or kind is None:
        return None
    namespace, name = found[3] or "", found[5] or ""
    if bool(namespace) != kind.kind.is_namespaced and (namespace or name):
        return None
    verb = (_OBJECT_VERBS if name else _COLLECTION_VERBS).get(exchange.method)
    if verb is None or (kind.kind.is_namespaced and not namespace and verb in ("create", "deletecollection")):
        raise refusal.no_such_method()
    if verb == "list" and exchange.is_on("watch"):
        verb = "watch"
    return Target(kind, namespace, name, verb)


def shown(exchange: Exchange, target: Target) -> Shown:
    """The form of the answer: the one accepted, and bodies only for those who get them."""
    form = form_asked_for(exchange.header(b"accept"))
    if form == "whole":
        form = _body_form(exchange, target)
    return Shown(target.served, form, exchange.query.get("includeObject", ""))


def _body_form(exchange: Exchange, target: Target) -> Form:
    mode = exchange.query.get("resourceVersion", "")
    if mode == "metadata":
        return "zeros"
    if target.verb not in ("list", "watch") or mode == "fullSpec" or exchange.is_on("fullSpec"):
        return "whole"
    if target.kind.lists_whole or _one_name(parsed_fields(exchange)):
        return "whole"
    return "zeros"


def selection_of(exchange: Exchange, target: Target, *, with_body: bool) -> Selection:
    """Raises: ``Refusal`` for selectors that cannot be read."""
    fields = parsed_fields(exchange)
    try:
        labels = parse_labels(exchange.query.get("labelSelector", ""))
    except UsageError as error:
        raise refusal.bad_request(str(error)) from error
    return Selection(target.kind.plural, target.namespace, _one_name(fields), labels, fields, with_body)


def parsed_fields(exchange: Exchange) -> tuple[Requirement, ...]:
    try:
        return parse_fields(exchange.query.get("fieldSelector", ""))
    except UsageError as error:
        raise refusal.bad_request(str(error)) from error


def _one_name(fields: tuple[Requirement, ...]) -> str:
    for field in fields:
        if field.key == "metadata.name" and field.operator == "in":
            return next(iter(field.values))
    return ""


def revision_asked_for(exchange: Exchange) -> int:
    """0 for any, and for the words that choose a mode. Raises: ``Refusal``."""
    text = exchange.query.get("resourceVersion", "")
    if text in ("", *_MODES):
        return 0
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise refusal.bad_request(f"invalid resource version: {text[:100]!r}")
    return int(text)


def has_mode(exchange: Exchange) -> bool:
    return exchange.query.get("resourceVersion", "") in _MODES


def limit_asked_for(exchange: Exchange) -> int:
    """0 where there is none. Raises: ``Refusal``."""
    text = exchange.query.get("limit", "0") or "0"
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise refusal.bad_request(f"invalid limit: {text[:100]!r}")
    return min(int(text), MAX_LIMIT)


def page_rows(limit: int) -> int:
    return limit or MAX_PAGE_ROWS


def is_dry(exchange: Exchange) -> bool:
    """Raises: ``Refusal``."""
    value = exchange.query.get("dryRun", "")
    if value not in ("", "All"):
        raise refusal.bad_request(f"invalid dryRun: {value[:100]!r}")
    return value == "All"


def version_of_list(exchange: Exchange, revision: int) -> int:
    """The revision that a list has to be exactly at; 0 where the newest will do. Raises: ``Refusal``."""
    asked = revision_asked_for(exchange)
    match_ = exchange.query.get("resourceVersionMatch", "")
    if match_ not in ("", "Exact", "NotOlderThan"):
        raise refusal.bad_request(f"invalid resourceVersionMatch: {match_[:100]!r}")
    if match_ and not asked and exchange.query.get("resourceVersion", "") != "0":
        raise refusal.bad_request("resourceVersionMatch is forbidden unless resourceVersion is provided")
    if asked > revision:
        raise refusal.of_the_future(asked)
    return asked if match_ == "Exact" else 0
