"""Who asks, and whether they may: what the application needs of the cluster it belongs to."""

from collections.abc import Mapping, MutableMapping
from typing import Any, Protocol

import orjson
from msgspec import Struct

ANONYMOUS = "system:anonymous"
MASTERS = "system:masters"
_NODE = "authentication.kubernetes.io/node-name"


class User(Struct, frozen=True):
    name: str
    groups: tuple[str, ...] = ()
    extra: str = "{}"
    """More about the user, as JSON: part of what rights depend on."""

    def is_account_of(self, namespace: str) -> bool:
        """Whether it is a service account of ``namespace``; none is of an empty one."""
        return bool(namespace) and self.name.startswith(f"system:serviceaccount:{namespace}:")

    @property
    def node(self) -> str:
        """Where the pod runs that a token of a service account belongs to; empty for others, and before Kubernetes 1.30."""
        if _NODE not in self.extra:
            return ""
        named = orjson.loads(self.extra).get(_NODE)
        return str(named[0]) if isinstance(named, list) and named else ""


class Asked(Struct, frozen=True):
    """What is to be done: to objects of a kind, or (with ``path``) to something else."""

    verb: str
    path: str = ""
    group: str = ""
    version: str = ""
    resource: str = ""
    namespace: str = ""

    @property
    def attributes(self) -> Mapping[str, str]:
        """As a SubjectAccessReview has them."""
        if self.path:
            return {"verb": self.verb, "path": self.path}
        fields = ("group", "version", "resource", "verb", "namespace")
        return {field: value for field in fields if (value := str(getattr(self, field)))}


class Request(Protocol):
    """As much of a request as says who asks."""

    @property
    def scope(self) -> MutableMapping[str, Any]:
        """As ASGI has it; ``state`` holds the verified ``certificate`` of the client."""

    def header(self, name: bytes) -> str:
        """The first of that name; empty where it was not sent."""


class Access(Protocol):
    async def user_of(self, request: Request) -> User:
        """Raises: ``Refusal`` for credentials that are not valid, or cannot be checked now."""

    async def check(self, user: User, asked: Asked, name: str = "") -> None:
        """Raises: ``Refusal`` where ``user`` may not, or it cannot be said now."""


class Namespaces(Protocol):
    async def check_open(self, name: str) -> None:
        """Raises: ``Refusal`` where no object may be made in the namespace: it is missing, or going away."""
