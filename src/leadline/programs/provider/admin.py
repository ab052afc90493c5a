"""What an administrator does over HTTP, on a listener of its own: no token of a sender or a reader opens it."""

from collections.abc import Callable
from typing import Annotated, Literal

from msgspec import Meta, Struct

from leadline.errors import UsageError
from leadline.programs.provider.adding import Kind, Name, add_source, add_tenant, add_token, stamp
from leadline.programs.provider.doors import DEFAULT_TENANT
from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.routes import Call, Parts, route
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


@route("GET", "/v1/admin/tenants", "admin")
def _tenants(parts: Parts, call: Call) -> Tenants:
    """Who has sources of their own."""
    return Tenants(tuple(parts.tables.tenants()))


@route("POST", "/v1/admin/tenants", "admin")
def _add_tenant(parts: Parts, call: Call, content: NewTenant) -> Made:
    """Add a tenant."""
    return _made(lambda: add_tenant(parts.tables, content.name))


@route("POST", "/v1/admin/sources", "admin")
def _add_source(parts: Parts, call: Call, content: NewSource) -> Made:
    """Add a source, with a token that may write it."""
    asked = (content.name, content.kind, content.every_seconds, content.tenant)
    return _made(lambda: add_source(parts.tables, *asked))


@route("POST", "/v1/admin/sources/settled", "admin")
def _settle(parts: Parts, call: Call, content: Named) -> Made:
    """End the alerts of a source."""
    source = parts.tables.source(content.tenant, content.name)
    if source is None:
        raise Refused(404, "Unknown source")
    parts.tables.settle(source, SETTLED, stamp())
    return Made("")


@route("POST", "/v1/admin/tokens", "admin")
def _add_token(parts: Parts, call: Call, content: NewToken) -> Made:
    """Add a token."""
    role: Literal["write", "read"] = "write" if content.source else "read"
    return _made(lambda: add_token(parts.tables, content.name, role, content.source or "", content.tenant))


@route("POST", "/v1/admin/tokens/dropped", "admin")
def _drop_token(parts: Parts, call: Call, content: Named) -> Made:
    """Make a token invalid at once."""
    if not parts.tables.drop_token(content.tenant, content.name):
        raise Refused(404, "Unknown token")
    return Made("")


def _made(make: Callable[[], str]) -> Made:
    """Raises: ``Refused``."""
    try:
        return Made(make())
    except UsageError as error:
        raise Refused(409, "It cannot be made", str(error.args[0])) from error


ADMIN_ROUTES = (_tenants, _add_tenant, _add_source, _settle, _add_token, _drop_token)
