"""What may be said about registries: trust, credentials, mirrors. Imports nothing that speaks to one."""

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct


class Trust(Struct, frozen=True):
    """Whom to believe, and how to get there."""

    plain_http: frozenset[str] = frozenset()
    """``host[:port]`` of registries that are spoken to without TLS."""
    ca_file: str = ""
    """PEM; empty means the system's CAs."""
    is_unverified: bool = False
    """Whether any certificate will do."""
    named: frozenset[str] | None = None
    """``host`` or ``host:port`` that the user named; ``None`` where the user named every image, and not a manifest or a pod."""
    proxies: Mapping[str, str] = {}
    """``http`` and ``https`` to ``http://[user:password@]host:port``; ``no`` to a list of host endings."""

    def scheme(self, host: str) -> str:
        return "http" if host in self.plain_http else "https"


class Credential(Struct, frozen=True):
    """What is shown to a registry; all parts empty means nothing is shown."""

    source: str
    """Where it comes from, fit for messages."""
    username: str = ""
    password: str = ""
    identity_token: str = ""
    """Exchanged for an access token."""
    registry_token: str = ""
    """Shown as it is."""
    registry: str = ""
    """``host[:port]`` that it belongs to; empty for the registry of the image that was asked for."""
    unusable: str = ""
    """Why it is shown to no registry at all; empty where it is."""

    def __repr__(self) -> str:
        return f"Credential(source={self.source!r})"


ANONYMOUS = Credential("anonymous")


class PullSecret(Struct, frozen=True):
    """The content of a ``kubernetes.io/dockerconfigjson`` or ``dockercfg`` secret."""

    name: str
    """``namespace/name``, fit for messages."""
    content: bytes

    def __repr__(self) -> str:
        return f"PullSecret(name={self.name!r})"


class Wait(Protocol):
    def __call__(self, attempt: int, seconds: float) -> bool:
        """Waits as the caller sees fit; True means to ask again. ``seconds`` is what the registry asks for, 0 for none."""


def never(attempt: int, seconds: float) -> bool:
    """Takes the first answer."""
    del attempt, seconds
    return False


class RegistryOptions(Struct, frozen=True):
    """How registries are spoken to."""

    trust: Trust = Trust()
    credential: Credential | None = None
    """Given by hand: goes before all others."""
    secrets: tuple[PullSecret, ...] = ()
    environ: Mapping[str, str] = {}
    """Where Docker's and Podman's files are looked for."""
    mirrors: Mapping[str, tuple[str, ...]] = {}
    """Registry to the hosts that are asked before it."""
    wait: Wait = never
    """Where the registry is busy."""
    retry: Wait = never
    """Where it reports an error of its own."""
