"""Tokens of an OIDC issuer: signature, issuer, audience and times are checked, and who it is and in which groups is read."""

import json
import logging
import threading
import time

import jwt

from leadline.errors import LeadlineError, SourceError, UsageError
from leadline.foreign_errors import in_words
from leadline.programs.provider.doors import Fetch, Oidc
from leadline.programs.provider.ingest import Refused
from leadline.programs.serving.provider_client import given_file
from leadline.untyped import texts

log = logging.getLogger(__name__)
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Those with a public key: what verifies a token cannot make one."""
_LEEWAY_S = 30
_KEYS_S = 600.0
_AGAIN_S = 30.0
"""Between two questions for keys: tokens with unknown keys make no storm."""
_LARGEST_KEYS = 1 << 20


class OidcIssuer:
    def __init__(self, asked: Oidc, fetch: Fetch | None) -> None:
        """Raises: ``SourceError``, ``UsageError`` where a file does not hold its keys."""
        self._asked = asked
        self._fetch = fetch if asked.keys.startswith("https://") else None
        self._lock = threading.Lock()
        self._keys: dict[str | None, jwt.PyJWK] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        if self._fetch is None:
            self._read()

    def user(self, word: str) -> tuple[str, list[str]]:
        """Name and groups. Raises: ``Refused``."""
        try:
            claims = jwt.decode(
                word,
                self._key(jwt.get_unverified_header(word).get("kid")),
                algorithms=list(_ALGORITHMS),
                audience=self._asked.audience,
                issuer=self._asked.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except (jwt.PyJWTError, LeadlineError, ValueError, TypeError) as error:
            log.info("a token was refused: %s", type(error).__name__)
            raise Refused(
                401,
                "This token is not valid here",
                "its issuer, audience, signature and times are checked",
                headers=((b"www-authenticate", b'Bearer error="invalid_token"'),),
            ) from error
        groups = claims.get(self._asked.claim, [])
        return str(claims["sub"]), [groups] if isinstance(groups, str) else texts(groups)

    def _key(self, kid: str | None) -> jwt.PyJWK:
        """Read again when they are old or one is missing. Raises: ``LeadlineError`` where the issuer has none of that name, or cannot be asked."""
        with self._lock:
            now = time.monotonic()
            is_old = kid not in self._keys or now - self._read_at > _KEYS_S
            if is_old and now - self._tried_at > _AGAIN_S:
                self._tried_at = now
                try:
                    self._read()
                except LeadlineError as error:
                    log.warning("keys of the issuer: %s", error)
            if kid in self._keys:
                return self._keys[kid]
        raise SourceError("unknown key")

    def _read(self) -> None:
        place = self._asked.keys
        try:
            raw = self._fetch(place) if self._fetch else given_file(place)
            if len(raw) > _LARGEST_KEYS:
                raise SourceError(f"{place} is too large")
            found = jwt.PyJWKSet.from_dict(json.loads(raw))
        except OSError as error:
            raise SourceError(f"cannot read {place}: {in_words(error)}") from error
        except (ValueError, TypeError, AttributeError, RecursionError, jwt.PyJWTError) as error:
            raise UsageError(f"{place} is not a JSON Web Key Set: {error}") from error
        self._keys = {one.key_id: one for one in found.keys}
        self._read_at = time.monotonic()
