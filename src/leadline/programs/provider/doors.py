"""Who asks: by a token of ours, one of an OIDC issuer, or through a proxy in front that has signed its user in.

A reader from outside belongs to the one tenant that a group of theirs is given; a request names none.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from leadline.errors import SourceError, UsageError
from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.tables import Tables, Token

TOKEN_PREFIX = "leadline_"  # noqa: S105 a prefix that secret scanners can look for
USER, GROUP = b"x-remote-user", b"x-remote-group"
"""As the front proxy of an API server of Kubernetes has them."""
_LARGEST_TOKEN = 16_384


Fetch = Callable[[str], bytes]
"""What is at an URL. Raises: ``OSError``."""


class Oidc(Struct, frozen=True, forbid_unknown_fields=True):
    issuer: str
    audience: str
    keys: str
    """File or URL of its JSON Web Key Set."""
    claim: str = "groups"


class Proxy(Struct, frozen=True, forbid_unknown_fields=True):
    ca: str
    """File of certificates, PEM, that its own is verified with."""
    name: str
    """Common name or DNS name in its certificate."""

    def certificates(self) -> str:
        """Raises: ``SourceError``."""
        try:
            return Path(self.ca).read_text("ascii")
        except OSError as error:
            raise SourceError(f"cannot read {self.ca}: {(error.strerror or str(error)).lower()}") from error
        except UnicodeDecodeError as error:
            raise SourceError(f"{self.ca} does not hold certificates in PEM") from error


class Readers(Struct, frozen=True, forbid_unknown_fields=True):
    groups: dict[str, str]
    """The tenant of each group."""
    oidc: Oidc | None = None
    proxy: Proxy | None = None


def read_readers(path: Path) -> Readers:
    """Raises: ``UsageError``, ``SourceError``."""
    try:
        return msgspec.toml.decode(path.read_bytes(), type=Readers)
    except OSError as error:
        raise SourceError(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {error}") from error


def token_digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Doors:
    def __init__(self, tables: Tables, readers: Readers | None = None, fetch: Fetch | None = None) -> None:
        """Raises: ``SourceError``, ``UsageError`` where the keys of the issuer cannot be read."""
        self._tables = tables
        self._readers = readers or Readers({})
        self._issuer = _issuer(self._readers.oidc, fetch) if self._readers.oidc else None

    def token(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Token:
        """Raises: ``Refused``."""
        scheme, _, word = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        word = word.strip()
        if scheme.lower() == "bearer":
            # Looked up by a hash: how long it takes says nothing about a token.
            if found := self._tables.token(token_digest(word)):
                return found
            if self._issuer and word.count(".") == 2 and len(word) <= _LARGEST_TOKEN:
                return self._reader(*self._issuer.user(word))
        elif not scheme and self._readers.proxy and _is_named(scope, self._readers.proxy.name):
            user = headers.get(USER, b"").decode("latin-1")
            if user:
                groups = [value.decode("latin-1") for name, value in scope["headers"] if name == GROUP]
                return self._reader(user, groups)
        raise Refused(
            401,
            "No token, or one that is not known",
            "send Authorization: Bearer TOKEN",
            headers=((b"www-authenticate", b"Bearer"),),
        )

    def _reader(self, user: str, groups: list[str]) -> Token:
        tenants = {tenant for group in groups if (tenant := self._readers.groups.get(group))}
        if len(tenants) != 1:
            why = "none of your groups reads here" if not tenants else "your groups belong to several tenants"
            raise Refused(403, "This user reads nothing here", why)
        return Token(user[:100], tenants.pop(), None, "read")


class Issuer(Protocol):
    def user(self, word: str) -> tuple[str, list[str]]:
        """Name and groups of whom a token was issued to. Raises: ``Refused``."""
        ...


def _issuer(oidc: Oidc, fetch: Fetch | None) -> Issuer:
    """Raises: ``SourceError``, ``UsageError``."""
    try:
        from leadline.programs.provider.oidc import OidcIssuer
    except ImportError as error:
        raise UsageError("OIDC needs pyjwt", hint="pip install 'leadline[provider]'") from error
    return OidcIssuer(oidc.issuer, oidc.audience, oidc.claim, oidc.keys, fetch)


def _is_named(scope: Mapping[str, Any], name: str) -> bool:
    """Whether the other end has shown a verified certificate of ``name``."""
    certificate = (scope.get("state") or {}).get("certificate") or {}
    names = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    names |= {
        value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"
    }
    return name in names
