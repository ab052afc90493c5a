"""Who may come in, and what they see. Kubernetes decides; plain headers that name a user are never believed."""

import asyncio
import hmac
from collections.abc import Mapping, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Protocol

from msgspec import Struct

from leadline.api.kind import GROUP, VERSION
from leadline.api.posture_results import SCANS
from leadline.programs.serving.cluster.access import Asked as Right
from leadline.programs.serving.cluster.access import User
from leadline.programs.serving.cluster.cluster_access import ClusterAccess, Kept
from leadline.programs.serving.cluster.refusal import Refusal

COOKIE = "leadline-ui"
_FORBIDDEN = 403
Headers = Mapping[bytes, bytes]


class Asked(Struct, frozen=True):
    """A request, as far as it matters for coming in."""

    method: str
    path: str
    headers: Headers
    key: str
    """Of the address; empty where there is none."""
    scope: MutableMapping[str, Any] = {}
    """As ASGI has it."""

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


class Turned(Exception):  # noqa: N818 an answer, not a fault
    """Not let in: ``status`` and one sentence; ``location`` and ``cookie`` for who has shown a key."""

    def __init__(self, status: int, why: str, *, location: str = "", cookie: str = "") -> None:
        super().__init__(why)
        self.status = status
        self.location = location
        self.cookie = cookie


class Door(Protocol):
    async def seen(self, asked: Asked, namespaces: frozenset[str]) -> frozenset[str] | None:
        """Those of ``namespaces`` that the user may see, ``None`` for everything. Raises: ``Turned``."""


class KeyDoor:
    """This machine alone, and who has the key: everything, for it was read with the user's own rights."""

    def __init__(self, key: str, hosts: frozenset[str], room: str) -> None:
        """``room`` begins every path, ``/NAME``.

        A browser sends the cookie below this path alone: other programs on this machine, at other ports, share the host and
        would be sent it otherwise. No one knows the name who was not given the address.
        """
        self._key = key.encode()
        self._hosts = hosts
        self._room = room

    async def seen(self, asked: Asked, namespaces: frozenset[str]) -> frozenset[str] | None:
        # A page elsewhere may not have its own name lead here (DNS rebinding).
        host = asked.headers.get(b"host", b"").decode("latin-1")
        if host not in self._hosts:
            raise Turned(421, "not served under this name")
        if asked.key and hmac.compare_digest(asked.key.encode(), self._key):
            cookie = f"{COOKIE}={self._key.decode()}; Path={self._room}; HttpOnly; SameSite=Strict"
            raise Turned(303, "", location=asked.path.rpartition("/")[2] or "overview", cookie=cookie)
        if not any(hmac.compare_digest(key.encode(), self._key) for key in _keys(asked.headers)):
            raise Turned(403, "open the address that leadline ui printed: it holds the key")
        return None


PAGES_GROUP, PAGES_VERSION = "ui.leadline.dev", "v1alpha1"
_SEEN_S = 20.0
_AT_A_TIME = 16
"""Questions to kube-apiserver."""


class ClusterDoor:
    """Behind kube-apiserver, or with a bearer token: who may read pages comes in, and sees where he may list results."""

    def __init__(self, access: ClusterAccess) -> None:
        self._access = access
        self._seen: Kept[frozenset[str] | None] = Kept(_SEEN_S)
        self._turns = asyncio.Semaphore(_AT_A_TIME)

    async def seen(self, asked: Asked, namespaces: frozenset[str]) -> frozenset[str] | None:
        try:
            user = await self._access.user_of(asked)
            await self._access.check(user, Right("get", "", PAGES_GROUP, PAGES_VERSION, "pages"))
            return await self._seen.get((user, namespaces), lambda: self._of(user, namespaces))
        except Refusal as refused:
            raise Turned(refused.code, refused.message) from refused

    async def _of(self, user: User, namespaces: frozenset[str]) -> frozenset[str] | None:
        if await self._may_list(user, ""):
            return None
        names = sorted(namespaces)
        may = await asyncio.gather(*(self._may_list(user, name) for name in names))
        return frozenset(name for name, is_seen in zip(names, may, strict=True) if is_seen)

    async def _may_list(self, user: User, namespace: str) -> bool:
        async with self._turns:
            try:
                await self._access.check(user, Right("list", "", GROUP, VERSION, SCANS, namespace))
            except Refusal as refused:
                if refused.code == _FORBIDDEN:
                    return False
                raise
        return True


def _keys(headers: Headers) -> list[str]:
    try:
        jar = SimpleCookie(headers.get(b"cookie", b"").decode("latin-1"))
    except CookieError:
        return []
    return [jar[COOKIE].value] if COOKIE in jar else []
