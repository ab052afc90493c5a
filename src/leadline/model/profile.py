"""What one container did while it was watched, and how sure it is that this is all."""

from msgspec import Struct

from leadline.model.container import Container

COMPLETE = "complete"
PARTIAL = "partial"
STARTED_BEFORE = "the container was started before the agent"
LOST = "records were lost"
COLLAPSED = "more new things in a second than are recorded one by one"
TOO_LARGE = "more things than a profile holds"
BLIND = "this kernel does not allow a probe"


class ExecutedProgram(Struct, frozen=True, rename="camel", order=True):
    path: str
    arguments: tuple[str, ...]
    is_upper: bool = False
    """It lies in the container's own layer, not in its image."""


class OpenedFile(Struct, frozen=True, rename="camel", order=True):
    path: str
    flags: tuple[str, ...]


class Peer(Struct, frozen=True, rename="camel", order=True):
    direction: str
    address: str
    port: int
    protocol: str
    names: tuple[str, ...] = ()
    """By which it was asked for."""


class Request(Struct, frozen=True, rename="camel", order=True):
    is_outgoing: bool
    method: str
    host: str
    path: str
    port: int


class Profile(Struct, frozen=True, rename="camel"):
    container: Container
    completion: str
    """``complete`` or ``partial``."""
    reasons: tuple[str, ...]
    """Why it is partial."""
    executed: tuple[ExecutedProgram, ...] = ()
    opened: tuple[OpenedFile, ...] = ()
    mapped: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    refused_capabilities: tuple[str, ...] = ()
    syscalls: tuple[str, ...] = ()
    peers: tuple[Peer, ...] = ()
    names: tuple[str, ...] = ()
    """Asked of DNS."""
    failed_names: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    lost: dict[str, int] = {}
    """Records that did not fit into the ring, by kind."""
    collapsed: dict[str, int] = {}
    """Records in whose place one of many was sent, or none, by kind."""
