"""What a rule saw a container do, once with a count, and what a person needs to act on it."""

from msgspec import Struct

from leadline.model.container import Container
from leadline.model.control import Severity


class Process(Struct, frozen=True, gc=False, rename="camel", omit_defaults=True):
    """One process of a chain, as it was when it started its program."""

    pid: int
    parent_pid: int = 0
    path: str = ""
    """The program; empty where it was started before the agent and not seen since."""
    arguments: tuple[str, ...] = ()
    program: str = ""
    """The name that the process gives itself."""
    uid: int = 0
    is_upper: bool = False
    """The program lies in the container's own layer, not in its image."""
    is_first: bool = False
    """Process 1 of its container."""


class Detection(Struct, frozen=True, rename="camel"):
    """One event that one rule is about."""

    rule: str
    message: str
    event: str
    """The kind of event."""
    container: Container
    at_ns: int
    """Since the node was started."""
    pid: int
    program: str
    """The path of what did it, else the name that it gives itself."""
    chain: tuple[Process, ...] = ()
    """From the process that did it up to the container's first."""


class Accepted(Struct, frozen=True, rename="camel", omit_defaults=True):
    """The waiver that accepts an alert."""

    waiver: str
    reason: str = ""
    source: str = ""


class Alert(Struct, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """Everything that one rule saw one program of one workload do."""

    id: str
    """The same for the same rule, workload, container name and program."""
    rule: str
    title: str
    severity: Severity
    message: str
    """Of the first event."""
    others: tuple[str, ...] = ()
    """Other messages, at most ``MOST_MESSAGES``."""
    container: Container
    program: str
    pid: int
    chain: tuple[Process, ...] = ()
    first_s: float
    """Since 1970."""
    last_s: float
    count: int = 1
    """At least: the kernel sends a repetition by the same program only after an hour."""
    withheld: int = 0
    """Alerts of the same rule and container that were too many in their minute, and were not given."""
    mitre: tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    """What to do first, in this order."""
    stake: str = ""
    """What is at stake with the workload, in one sentence; empty where nothing is known of it."""
    stake_score: float = 0.0
    vulnerabilities: tuple[str, ...] = ()
    """Those in the files that run in the container, which would explain it, the worst first."""
    accepted: Accepted | None = None


MOST_MESSAGES = 5
SILENT_S = 3600.0
"""An alert that did not come again for so long is another one when it comes."""
