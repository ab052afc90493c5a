"""What an administrator does over HTTP, on a listener of its own: no token of a sender or a reader opens it."""

from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from leadline.errors import UsageError
from leadline.programs.provider.adding import Kind, Name, add_source, add_tenant, add_token, stamp
from leadline.programs.provider.doors import DEFAULT_TENANT
from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.routes import Call, Parts, Route
from leadline.programs.provider.watchman import SETTLED


class NewTenant(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    name: Name


class Named(NewTenant, frozen=True):
    """A source or a token."""

    tenant: Name = DEFAULT_TENANT


class NewSource(Named, frozen=True):
    kind: Kind = "cluster"
    every_seconds: Annotated[int, Meta(ge=0, lt=10**9)] = 0
    """How often something is due; 0 for never."""


class NewToken(Named, frozen=True):
    """One that writes a source, or, without a source, reads its tenant."""

    source: Name | None = None


class Tenants(Struct, frozen=True, rename="camel"):
    items: tuple[str, ...]


class Made(Struct, frozen=True, rename="camel"):
    token: str
    """Shown once; empty where none was made."""


def _tenants(parts: Parts, call: Call) -> Tenants:
    return Tenants(tuple(parts.tables.tenants()))


def _add_tenant(parts: Parts, call: Call) -> Made:
    return _made(lambda: add_tenant(parts.tables, call.content.name))


def _add_source(parts: Parts, call: Call) -> Made:
    asked: NewSource = call.content
    return _made(lambda: add_source(parts.tables, asked.name, asked.kind, asked.every_seconds, asked.tenant))


def _add_token(parts: Parts, call: Call) -> Made:
    asked: NewToken = call.content
    role: Literal["write", "read"] = "write" if asked.source else "read"
    return _made(lambda: add_token(parts.tables, asked.name, role, asked.source or "", asked.tenant))


def _drop_token(parts: Parts, call: Call) -> Made:
    if not parts.tables.drop_token(call.content.tenant, call.content.name):
        raise Refused(404, "Unknown token")
    return Made("")


def _settle(parts: Parts, call: Call) -> Made:
    source = parts.tables.source(call.content.tenant, call.content.name)
    if source is None:
        raise Refused(404, "Unknown source")
    parts.tables.settle(source, SETTLED, stamp())
    return Made("")


def _made(make: Callable[[], str]) -> Made:
    """Raises: ``Refused``."""
    try:
        return Made(make())
    except UsageError as error:
        raise Refused(409, "It cannot be made", str(error.args[0])) from error


ADMIN_ROUTES = (
    Route("GET", "/v1/admin/tenants", ("admin",), "Who has sources of their own", Tenants, _tenants),
    *(
        Route("POST", f"/v1/admin/{path}", ("admin",), title, Made, answer, takes=takes, is_message=False)
        for path, title, answer, takes in (
            ("tenants", "Add a tenant", _add_tenant, NewTenant),
            ("sources", "Add a source, with a token that may write it", _add_source, NewSource),
            ("sources/settled", "End the alerts of a source", _settle, Named),
            ("tokens", "Add a token", _add_token, NewToken),
            ("tokens/dropped", "Make a token invalid at once", _drop_token, Named),
        )
    ),
)
