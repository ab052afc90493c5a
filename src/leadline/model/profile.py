"""What one container did while it was watched, and how sure it is that this is all."""

from msgspec import Struct

from leadline.model.container import Container

COMPLETE = "complete"
PARTIAL = "partial"
STARTED_BEFORE = "the container was started before the agent"
LOST = "records were lost"
COLLAPSED = "more new things in a second than are recorded one by one"
TOO_LARGE = "more things than a profile holds"
INTERRUPTED = "the agent did not run for a part of the time"
BLIND = "this kernel does not allow a probe"
NO_CAPABILITIES = "this kernel does not say which capabilities are used"
"""Everything else is recorded; Linux says it since 6.14."""


class Use(Struct, frozen=True, rename="camel", order=True, omit_defaults=True):
    """When something was done, how often, and by which programs."""

    programs: tuple[str, ...] = ()
    """Paths of what did it; empty where it is not known, ``MANY`` at the end where there were more."""
    first_s: float = 0.0
    """Since 1970; 0 where it is not known."""
    last_s: float = 0.0
    times: int = 0
    """At least: the kernel sends a repetition by the same program only after an hour. 0 where nothing is known."""


MANY = "⋯"


class ExecutedProgram(Struct, frozen=True, rename="camel", order=True):
    path: str
    arguments: tuple[str, ...]
    is_upper: bool = False
    """It lies in the container's own layer, not in its image."""


class OpenedFile(Struct, frozen=True, rename="camel", order=True):
    path: str
    flags: tuple[str, ...]
    use: Use = Use()


class ChangedPath(Struct, frozen=True, rename="camel", order=True):
    """What was asked for, by any other call than open; but for folders that were made, the call may have failed."""

    path: str
    """Relative where the program wrote it so and its folder was not read."""
    how: str
    """``made``, ``removed``, ``renamed``, ``linked``, ``mode``, ``owner``, ``times``, ``size``, ``attributes``; ``special`` for a socket,
    pipe or device that was made."""
    use: Use = Use()


class Peer(Struct, frozen=True, rename="camel", order=True):
    direction: str
    address: str
    port: int
    protocol: str
    names: tuple[str, ...] = ()
    """By which it was asked for."""
    use: Use = Use()


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
    changed: tuple[ChangedPath, ...] = ()
    loaded: tuple[str, ...] = ()
    """Files that were executed, mapped to execute, or opened by the interpreter that runs them; each by itself, but for ``/⋯``
    and ``/⋯.py``, which is any file, or any that ends so, of a folder in which more was opened in a second than is recorded one by one."""
    mapped: tuple[str, ...] = ()
    mapped_by: dict[str, Use] = {}
    """Of each path of ``mapped``."""
    capabilities: tuple[str, ...] = ()
    used_capabilities: dict[str, Use] = {}
    """Of each one of ``capabilities``."""
    refused_capabilities: tuple[str, ...] = ()
    syscalls: tuple[str, ...] = ()
    used_syscalls: dict[str, Use] = {}
    """Of each one of ``syscalls`` of which that is known: the first use by each program, so that ``times`` counts programs."""
    peers: tuple[Peer, ...] = ()
    names: tuple[str, ...] = ()
    """Asked of DNS."""
    failed_names: tuple[str, ...] = ()
    requests: tuple[Request, ...] = ()
    users: tuple[int, ...] = ()
    """Numbers of the users that its processes ran as."""
    since_s: float = 0.0
    """The first event, since 1970; 0 where it is not known."""
    until_s: float = 0.0
    """The last one."""
    lost: dict[str, int] = {}
    """Records that did not fit into the ring, by kind."""
    collapsed: dict[str, int] = {}
    """Records in whose place one of many was sent, or none, by kind."""
