"""Tokens from the service that a registry's challenge names (https://distribution.github.io/distribution/spec/auth/token)."""

import base64
import re
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit

from msgspec import DecodeError, Struct, ValidationError, json

from leadline.sources.registry.http import Dropped, HttpAnswer, may_ask_again, send
from leadline.sources.registry.options import Credential, RegistryOptions, Trust

LARGEST_TOKEN = 1 << 20
_TOKEN = re.compile(r"[!-~]+")
"""What a header may hold of it (RFC 6750, section 2.1, and a little more). A refusal of the library would show it."""


class NoToken(Exception):  # noqa: N818 - what there is
    """The text says why, fit for messages."""


class TokenService(Struct, frozen=True):
    """Where a challenge sends us, and for what."""

    realm: str
    service: str
    scope: str
    trust: Trust
    registry: str
    """``host[:port]`` of the registry."""
    is_plain_allowed: bool
    """Whether it may be asked without TLS: only where the registry itself is."""

    def token(self, credential: Credential, options: RegistryOptions) -> str:
        """A token for ``credential``.

        Raises:
            NoToken: there is none for it.
            RegistryError: the service cannot be reached.
        """
        url, headers, body = self._request(credential)
        attempt = 0
        try:
            while True:
                answer = send(url, headers, self.trust, body, sent_by=self.registry)
                attempt += 1
                if not may_ask_again(answer, attempt, options):
                    break
                answer.close()
            return _token_in(answer)
        except (Dropped, DecodeError, ValidationError, UnicodeDecodeError, RecursionError) as error:
            raise NoToken("the token service gave no token") from error

    def _request(self, credential: Credential) -> tuple[str, dict[str, str], bytes | None]:
        """Address, headers and what is posted to it, ``None`` for a GET."""
        try:
            parts = urlsplit(self.realm)
        except ValueError as error:
            raise NoToken("the address of the token service makes no sense") from error
        if parts.scheme != "https" and not (parts.scheme == "http" and self.is_plain_allowed):
            raise NoToken(f"the token service {parts.netloc.rpartition('@')[2]} is not safe to ask")
        query = {"service": self.service, "scope": self.scope}
        if credential.identity_token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": credential.identity_token,
                "client_id": "leadline",
            }
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            return self.realm, kind, urlencode({**query, **form}, errors="surrogateescape").encode()
        headers = {"Authorization": basic(credential)} if credential.username else {}
        return f"{self.realm}{'&' if parts.query else '?'}{urlencode(query)}", headers, None


class _Token(Struct):
    token: str | None = None
    access_token: str | None = None


def token_service(
    words: Mapping[str, str], registry: str, repository: str, trust: Trust, is_plain_allowed: bool
) -> TokenService:
    """The one that the parameters ``words`` of a challenge name; to read ``repository`` where they ask for nothing."""
    scope = words.get("scope") or f"repository:{repository}:pull"
    realm, service = words.get("realm", ""), words.get("service", "")
    return TokenService(realm, service, scope, trust, registry, is_plain_allowed)


def bearer(token: str) -> str:
    """The header that shows ``token``.

    Raises:
        NoToken: no header can hold it.
    """
    # Who keeps a token in a file or a secret often keeps the end of its line as well.
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        raise NoToken("holds no token")
    return f"Bearer {token}"


def basic(credential: Credential) -> str:
    """The header that shows name and password."""
    # Bytes of the environment that are not UTF-8 are shown as they are.
    pair = f"{credential.username}:{credential.password}".encode("utf-8", "surrogateescape")
    return f"Basic {base64.b64encode(pair).decode()}"


def _token_in(answer: HttpAnswer) -> str:
    if answer.status != 200:
        answer.close()
        raise NoToken(f"the token service says {answer.status}")
    found = json.decode(answer.read(LARGEST_TOKEN), type=_Token)
    token = found.token or found.access_token
    if not token:
        raise NoToken("the token service gave no token")
    return token
