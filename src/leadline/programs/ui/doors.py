"""Who may come in, and what they see. Kubernetes decides; plain headers that name a user are never believed."""

import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Protocol

from msgspec import Struct

from leadline.scans.pages.world import Known

COOKIE = "leadline-ui"
Headers = Mapping[bytes, bytes]


class Asked(Struct, frozen=True):
    """A request, as far as it matters for coming in."""

    method: str
    path: str
    headers: Headers
    key: str
    """Of the address; empty where there is none."""
    certificate: object = None
    """That the client showed and TLS has verified."""


class Turned(Exception):  # noqa: N818 an answer, not a fault
    """Not let in: ``status`` and one sentence; ``location`` and ``cookie`` for who has shown a key."""

    def __init__(self, status: int, why: str, *, location: str = "", cookie: str = "") -> None:
        super().__init__(why)
        self.status = status
        self.location = location
        self.cookie = cookie


class Door(Protocol):
    async def seen(self, asked: Asked, known: Known) -> frozenset[str] | None:
        """The namespaces that the user may see, ``None`` for everything. Raises: ``Turned``."""


class KeyDoor:
    """This machine alone, and who has the key: everything, for it was read with the user's own rights."""

    def __init__(self, key: str, hosts: frozenset[str]) -> None:
        self._key = key.encode()
        self._hosts = hosts

    async def seen(self, asked: Asked, known: Known) -> frozenset[str] | None:
        # A page elsewhere may not have its own name lead here (DNS rebinding).
        if asked.headers.get(b"host", b"").decode("latin-1") not in self._hosts:
            raise Turned(421, "not served under this name")
        if asked.key and hmac.compare_digest(asked.key.encode(), self._key):
            cookie = f"{COOKIE}={self._key.decode()}; Path=/; HttpOnly; SameSite=Strict"
            raise Turned(303, "", location=asked.path.rpartition("/")[2] or "overview", cookie=cookie)
        if not hmac.compare_digest(_cookie(asked.headers).encode(), self._key):
            raise Turned(403, "open the address that leadline ui printed: it holds the key")
        return None


def _cookie(headers: Headers) -> str:
    try:
        jar = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return ""
    return jar[COOKIE].value if COOKIE in jar else ""
