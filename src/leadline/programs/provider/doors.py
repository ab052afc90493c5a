"""Who asks: by a token of ours, one of an OIDC issuer, or through a proxy in front that has signed its user in.

A reader from outside belongs to the one tenant that a group of theirs is given; a request names none.
"""

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from leadline.errors import UsageError
from leadline.foreign_errors import in_words
from leadline.programs.provider.ingest import Refused
from leadline.programs.provider.tables import Tables, Token
from leadline.programs.serving.provider_client import certificates_in, given_file

TOKEN_PREFIX = "leadline_"  # noqa: S105 a prefix that secret scanners can look for
USER, GROUP = b"x-remote-user", b"x-remote-group"
"""As the front proxy of an API server of Kubernetes has them."""
DEFAULT_TENANT = "default"
_LARGEST_TOKEN = 16_384

User = Callable[[str], tuple[str, list[str]]]
"""Name and groups of whom a token was issued to. Raises: ``Refused``."""
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


class BoundTokens(Struct, frozen=True, forbid_unknown_fields=True):
    """Tokens that are taken with a client certificate alone: a stolen token opens nothing."""

    ca: str
    """File of certificates, PEM, that theirs are verified with."""
    names: dict[str, str]
    """Common name or DNS name in the certificate of each token; of another tenant than the default one it is ``TENANT/TOKEN``."""


class Readers(Struct, frozen=True, forbid_unknown_fields=True):
    groups: dict[str, str] = {}
    """The tenant of each group."""
    oidc: Oidc | None = None
    proxy: Proxy | None = None
    tokens: BoundTokens | None = None

    def certificates(self) -> str:
        """That clients are verified with; empty for none. Raises: ``SourceError``, ``UsageError``."""
        found = {certificates_in(one.ca) for one in (self.proxy, self.tokens) if one}
        if len(found) > 1:
            # A certificate does not say which of them it is of: one made for a token could bear the name of the proxy.
            raise UsageError(
                "[proxy] and [tokens] name different CAs", hint="issue the certificates of both by one"
            )
        return found.pop() if found else ""


def read_readers(path: Path) -> Readers:
    """Raises: ``UsageError``, ``SourceError``."""
    try:
        readers = msgspec.toml.decode(given_file(path), type=Readers)
        if readers.tokens and (
            bare := [one for one, name in readers.tokens.names.items() if not name.strip()]
        ):
            raise UsageError(
                f"{path}: [tokens.names] gives {bare[0]} no name",
                hint="name its certificate, or remove the line",
            )
        return readers
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: {in_words(error)}") from error


def token_digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Doors:
    def __init__(self, tables: Tables, readers: Readers | None = None, fetch: Fetch | None = None) -> None:
        """Raises: ``SourceError``, ``UsageError`` where the keys of the issuer cannot be read."""
        self._tables = tables
        self._readers = readers or Readers({})
        self._user: User | None = None
        if asked := self._readers.oidc:
            try:
                from leadline.programs.provider.oidc import OidcIssuer
            except ImportError as error:
                raise UsageError("OIDC needs pyjwt", hint="pip install 'leadline[provider]'") from error
            self._user = OidcIssuer(asked, fetch).user

    def token(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Token:
        """Raises: ``Refused``."""
        scheme, _, word = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        word = word.strip()
        if scheme.lower() == "bearer":
            if found := self.own(scope, word):
                return found
            if self._user and word.count(".") == 2 and len(word) <= _LARGEST_TOKEN:
                return self._reader(*self._user(word))
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

    def own(self, scope: Mapping[str, Any], word: str) -> Token | None:
        """The token of ours; ``None`` where there is none. Raises: ``Refused`` without the certificate that it is bound to."""
        # Looked up by a hash: how long it takes says nothing about a token.
        found = self._tables.token(token_digest(word))
        if found and self._readers.tokens:
            name = found.name if found.tenant == DEFAULT_TENANT else f"{found.tenant}/{found.name}"
            wanted = self._readers.tokens.names.get(name)
            if wanted is not None and not _is_named(scope, wanted):
                raise Refused(
                    401,
                    "This token is bound to a client certificate",
                    "connect with it, or use another token",
                )
        return found

    def _reader(self, user: str, groups: list[str]) -> Token:
        tenants = {tenant for group in groups if (tenant := self._readers.groups.get(group))}
        if len(tenants) != 1:
            why = (
                "no tenant is given to any of your groups"
                if not tenants
                else "your groups belong to several tenants"
            )
            raise Refused(403, "This user reads nothing here", why)
        return Token(user[:100], tenants.pop(), None, "read")


def _is_named(scope: Mapping[str, Any], name: str) -> bool:
    """Whether the other end has shown a verified certificate of ``name``."""
    certificate = (scope.get("state") or {}).get("certificate") or {}
    names = {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}
    names |= {
        value for part in certificate.get("subject", ()) for kind, value in part if kind == "commonName"
    }
    return name in names
