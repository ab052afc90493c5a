"""Tenants, sources and tokens are added, by a person at the machine or an administrator over HTTP."""

import re
import secrets
from typing import Annotated, Literal

from msgspec import Meta

from leadline.errors import UsageError
from leadline.programs.provider.doors import DEFAULT_TENANT, TOKEN_PREFIX, token_digest
from leadline.programs.provider.ingest import utc_now
from leadline.programs.provider.tables import Role, Tables, Token

_TOKEN_BYTES = 32
_NAMES = re.compile(r"[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?")
Name = Annotated[str, Meta(pattern=f"^{_NAMES.pattern}$")]
Kind = Literal["cluster", "repository", "registry", "pipeline"]


def check_name(name: str, what: str) -> str:
    """Raises: ``UsageError``: it becomes the name of a folder, and of a log."""
    if not _NAMES.fullmatch(name) or ".." in name:
        raise UsageError(
            f"invalid name of a {what}: {name[:60]!r}",
            hint="use small letters, digits, dots, hyphens and underscores",
        )
    return name


def add_tenant(tables: Tables, name: str) -> str:
    """Raises: ``UsageError``."""
    tables.add_tenant(check_name(name, "tenant"), stamp())
    return ""


def add_source(tables: Tables, name: str, kind: str, every: int, tenant: str = DEFAULT_TENANT) -> str:
    """The token that may write it, shown once. Raises: ``UsageError``."""
    tables.add_source(tenant, check_name(name, "source"), kind, every, stamp())
    return add_token(tables, name, "write", name, tenant)


def add_token(tables: Tables, name: str, role: Role, source: str = "", tenant: str = DEFAULT_TENANT) -> str:
    """Raises: ``UsageError``."""
    own = tables.known_source(tenant, source) if source else None
    token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
    tables.add_token(
        Token(check_name(name, "token"), tenant, own.id if own else None, role), token_digest(token), stamp()
    )
    return token


def stamp() -> str:
    return utc_now().strftime("%Y-%m-%dT%H:%M:%SZ")
