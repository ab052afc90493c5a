"""Who asks, by the aggregator's word or by TokenReview; whether they may, by SubjectAccessReview. Never open."""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar
from urllib.parse import unquote

import orjson
from msgspec import Struct
from msgspec.structs import replace

from leadline.programs.serving.cluster import refusal
from leadline.programs.serving.cluster.access import ANONYMOUS, MASTERS, Asked, Request, User
from leadline.programs.serving.cluster.kube_api import KubeApi

CONFIG_MAP = "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
KEPT_S = 10.0
"""As the library that Kubernetes' own extension servers are made with."""
_AUTHENTICATED = "system:authenticated"
_MAX_TOKEN_BYTES = 64 * 2**10


class FrontProxy(Struct, frozen=True):
    """How the aggregator says for whom it asks; read from the cluster."""

    ca: str
    """PEM: its client certificate must be signed by this, and by nothing else."""
    allowed_names: tuple[str, ...]
    """Of the certificate; empty allows any."""
    user_headers: tuple[str, ...]
    group_headers: tuple[str, ...]
    extra_prefixes: tuple[str, ...]

    def with_proxy(self, ca: str, name: str) -> "FrontProxy":
        """Beside the aggregator, who has a certificate of this CA, for this name, says for whom it asks."""
        names = (*self.allowed_names, name) if self.allowed_names else ()
        return replace(self, ca=f"{self.ca.rstrip()}\n{ca}", allowed_names=names)


async def read_front_proxy(kube: KubeApi) -> FrontProxy:
    """Raises: ``Refusal`` where it cannot be read."""
    code, body = await kube.get(CONFIG_MAP)
    content = body.get("data")
    if code != 200 or not isinstance(content, dict):
        raise refusal.unavailable(f"{CONFIG_MAP}: {body.get('message') or f'HTTP {code}'}")

    def words(name: str) -> tuple[str, ...]:
        try:
            listed = orjson.loads(content.get(name) or "[]")
        except orjson.JSONDecodeError as error:
            raise refusal.unavailable(f"{CONFIG_MAP}: {name} is not a list") from error
        return tuple(str(word) for word in listed) if isinstance(listed, list) else ()

    return FrontProxy(
        str(content.get("requestheader-client-ca-file") or ""),
        words("requestheader-allowed-names"),
        words("requestheader-username-headers"),
        words("requestheader-group-headers"),
        words("requestheader-extra-headers-prefix"),
    )


class ClusterAccess:
    """``front_proxy`` is replaced when the cluster's own settings change."""

    def __init__(self, kube: KubeApi, front_proxy: FrontProxy, own_namespace: str = "") -> None:
        """``own_namespace``: the accounts in it are ours; empty where there are none."""
        self.front_proxy = front_proxy
        self._own_namespace = own_namespace
        self._kube = kube
        self._users: Kept[User | None] = Kept(KEPT_S)
        self._rights: Kept[tuple[bool, str]] = Kept(KEPT_S)

    async def user_of(self, request: Request) -> User:
        proxied = self._proxied_user(request)
        if proxied is not None:
            return proxied
        kind, _, token = request.header(b"authorization").partition(" ")
        if kind.lower() != "bearer":
            return User(ANONYMOUS, ("system:unauthenticated",))
        token = token.strip()
        if not token or len(token) > _MAX_TOKEN_BYTES:
            raise refusal.unauthorized()
        digest = hashlib.sha256(token.encode("latin-1")).digest()
        user = await self._users.get(digest, lambda: self._review_token(token))
        if user is None:
            raise refusal.unauthorized()
        return user

    async def check(self, user: User, asked: Asked, name: str = "") -> None:
        """Without the name first: one kept answer then serves for all names.

        Our own accounts are asked about in all namespaces first, which is what a review without a namespace means: they write
        to every namespace, and one answer then serves for all of them.
        """
        if MASTERS in user.groups:
            return
        if asked.namespace and user.is_account_of(self._own_namespace):
            allowed, _ = await self._right(user, replace(asked, namespace=""))
            if allowed:
                return
        allowed, reason = await self._right(user, asked)
        if not allowed and name:
            allowed, reason = await self._right(user, asked, name)
        if not allowed:
            raise _forbidden(user, asked, name, reason)

    async def _right(self, user: User, asked: Asked, name: str = "") -> tuple[bool, str]:
        return await self._rights.get((user, asked, name), lambda: self._review_access(user, asked, name))

    def _proxied_user(self, request: Request) -> User | None:
        """Only a request that comes with the aggregator's certificate may say for whom it asks."""
        certificate = request.scope.get("state", {}).get("certificate")
        if not certificate:
            return None
        name = _common_name(certificate)
        proxy = self.front_proxy
        if proxy.allowed_names and name not in proxy.allowed_names:
            raise refusal.unauthorized()
        user = next(filter(None, map(request.header, map(_in_bytes, proxy.user_headers))), "")
        if not user:
            return None
        headers: list[tuple[bytes, bytes]] = request.scope["headers"]
        wanted = [_in_bytes(one) for one in proxy.group_headers]
        groups = [v.decode("latin-1") for one in wanted for n, v in headers if n == one]
        extra: dict[str, list[str]] = {}
        for prefix in map(_in_bytes, proxy.extra_prefixes):
            for n, v in headers:
                if n.startswith(prefix):
                    key = unquote(n[len(prefix) :].decode("latin-1"))
                    extra.setdefault(key, []).append(v.decode("latin-1"))
        if user != ANONYMOUS and _AUTHENTICATED not in groups:
            # The aggregator's own requests for OpenAPI come with no group at all.
            groups.append(_AUTHENTICATED)
        return User(user, tuple(groups), orjson.dumps(extra, option=orjson.OPT_SORT_KEYS).decode())

    async def _review_token(self, token: str) -> User | None:
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
        status = await self._review("/apis/authentication.k8s.io/v1/tokenreviews", body)
        user = status.get("user")
        if not status.get("authenticated") or not isinstance(user, dict):
            return None
        extra = orjson.dumps(user.get("extra") or {}, option=orjson.OPT_SORT_KEYS).decode()
        return User(str(user.get("username", "")), tuple(user.get("groups") or ()), extra)

    async def _review_access(self, user: User, asked: Asked, name: str) -> tuple[bool, str]:
        attributes = {**asked.attributes, **({"name": name} if name else {})}
        kind = "nonResourceAttributes" if asked.path else "resourceAttributes"
        spec = {"user": user.name, "groups": user.groups, "extra": orjson.loads(user.extra), kind: attributes}
        body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}
        status = await self._review("/apis/authorization.k8s.io/v1/subjectaccessreviews", body)
        return bool(status.get("allowed")) and not status.get("denied"), str(status.get("reason") or "")

    async def _review(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        code, answer = await self._kube.post(path, body)
        status = answer.get("status")
        if code != 201 or not isinstance(status, dict):
            raise refusal.unavailable(
                f"kube-apiserver does not answer {body['kind']}: {answer.get('message') or code}"
            )
        return status


def _in_bytes(header: str) -> bytes:
    """As a server hands on the name of a header."""
    return header.lower().encode("latin-1", "replace")


def _common_name(certificate: dict[str, Any]) -> str:
    for group in certificate.get("subject", ()):
        for name, value in group:
            if name == "commonName":
                return str(value)
    return ""


def _forbidden(user: User, asked: Asked, name: str, reason: str) -> refusal.Refusal:
    tail = f": {reason}" if reason else ""
    if asked.path:
        return refusal.forbidden(
            f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"{tail}'
        )
    what = (
        f'{asked.resource}.{asked.group} "{name}" is forbidden'
        if name
        else f"{asked.resource}.{asked.group} is forbidden"
    )
    where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    message = (
        f'{what}: User "{user.name}" cannot {asked.verb} resource "{asked.resource}" '
        f'in API group "{asked.group}" {where}{tail}'
    )
    return refusal.forbidden(message, {"name": name, "group": asked.group, "kind": asked.resource})


T = TypeVar("T")


class Kept(Generic[T]):
    """At most ``limit`` answers, for ``seconds`` each; failures are not kept."""

    def __init__(self, seconds: float, limit: int = 10_000) -> None:
        self._seconds = seconds
        self._limit = limit
        self._answers: OrderedDict[Hashable, tuple[float, asyncio.Task[T]]] = OrderedDict()

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> T:
        known = self._answers.get(key)
        if known is not None and (not known[1].done() or known[0] > time.monotonic()):
            return await asyncio.shield(known[1])
        task = asyncio.ensure_future(_asked(ask))
        self._answers[key] = (time.monotonic() + self._seconds, task)
        self._answers.move_to_end(key)
        while len(self._answers) > self._limit:
            self._answers.popitem(last=False)
        try:
            return await asyncio.shield(task)
        except BaseException:
            if task.done() and self._answers.get(key, (0.0, None))[1] is task:
                del self._answers[key]
            raise


async def _asked(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()
