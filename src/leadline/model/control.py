"""Controls, frameworks, and the violations that a control reports.

A ``Control`` is what there is to say of it, and part of every report; a ``BuiltControl`` has the code as well, and
never leaves the process. A violation is its own fix: it says what to delete, what to write, what a person has to
decide, or which object is missing.
"""

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from leadline.model.unread import Unread

Severity = Literal["critical", "high", "medium", "low", "unknown"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "unknown")
"""Worst first."""

Consequence = Literal[
    "cluster takeover", "node escape", "secrets", "reachable from outside", "other", "availability"
]
"""What the problem leads to, if it is used."""
CONSEQUENCES: tuple[Consequence, ...] = (
    "cluster takeover",
    "node escape",
    "secrets",
    "reachable from outside",
    "other",
    "availability",
)
"""In the order in which findings are shown."""
LONGEST_PROBLEM = 40
"""Characters of ``Control.problem``."""

YOUR_VALUE = "YOUR_VALUE"
"""Stands in a ``Set`` for a value that only the owner can know; such an edit is shown, never applied."""


def is_placeholder(value: Any) -> bool:
    """Whether ``value`` of a ``Set`` represents one that only the owner can know: ``YOUR_…``, ``<path/to/file>``."""
    return isinstance(value, str) and (
        "YOUR_" in value or value == "AWS_LOADBALANCER_SSL_CERT" or ("<" in value and ">" in value)
    )


class Remove(Struct, frozen=True, tag_field="action", tag="remove"):
    """Delete what is at ``path``."""

    path: str
    on: str = ""
    """The id of the object that ``path`` starts from; empty for what was judged."""


class Set(Struct, frozen=True, tag_field="action", tag="set"):
    """Write ``value`` at ``path``; absent parents are created."""

    path: str
    value: Any
    on: str = ""


class Review(Struct, frozen=True, omit_defaults=True, tag_field="action", tag="review"):
    """A person has to decide about what is at ``path``."""

    path: str
    on: str = ""
    advice: str = ""
    """What that person could do: ``"delete ClusterRoleBinding/oops, or bind `edit` in shop"``; empty for a bare look."""
    about: str = ""
    """Sets decisions apart that are about different things at one path, as the user and the version of an image."""


class Missing(Struct, frozen=True, tag_field="action", tag="add"):
    """Another object has to be created: ``what``, as in "a NetworkPolicy that selects these pods"."""

    what: str


Violation = Remove | Set | Review | Missing
Violations = Iterator[Violation]


class NotJudged(Exception):  # noqa: N818 (it is a verdict, no error)
    """Raised by a check: this object counts neither as passed nor as failed, save for what was reported before.

    ``why`` completes a report that the control judged nothing; ``unread`` is what could not be read for it.
    """

    def __init__(self, why: str, unread: Unread | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.unread = unread


class NotApplicable(NotJudged):
    """Raised by a check: what it judges does not exist here, and that is known. ``why`` completes as in ``NotJudged``."""


class Control(Struct, frozen=True):
    """What there is to say of one control. A control file is the only place that says any of this."""

    id: str
    title: str
    score: float
    """0 to 10; the severity follows from it. How it is given: ``docs/decisions/severity.md``."""
    category: str
    """``"Category"`` or ``"Category / Subcategory"``."""
    doc: str
    """The docstring of the control's file."""
    name: str
    """The name of the control's file, which is that of the condition it finds: ``privileged_container``."""
    kinds: tuple[str, ...] = ()
    """For checks over a ``Resource``: ``Kind`` of the core group or ``Kind.group``."""
    reads: tuple[str, ...] = ()
    """Kinds that its joins look at in addition to its subject, written like ``kinds``; ``workloads`` for all that run pods."""
    settings: Mapping[str, tuple[str, ...]] = {}
    """Name of each setting and the shipped value."""
    needs_setting: bool = False
    """Whether the control has nothing to judge by while all its settings are empty."""
    manual: str = ""
    """For a control that only a person can judge: what to look at."""
    problem: str = ""
    """What is wrong, in at most ``LONGEST_PROBLEM`` characters: ``"Privileged container"``; empty for a user's own
    control that does not say it, whose title replaces it."""
    consequence: Consequence = "other"
    """What it leads to; findings are ordered by it."""
    reference_score: float | None = None
    """The reference library's score where it gives another."""
    cloud: str = ""
    """``EKS``, ``AKS`` or ``GKE`` where it makes sense on that service's clusters alone."""
    needs: str = ""
    """For a control without a check yet: the facts it needs, e.g. ``"kubelet settings of the node"``."""
    namespaced_score: float | None = None
    """For a control about rights: its score where they are good for one namespace alone; ``None`` where that is the same."""

    @property
    def severity(self) -> Severity:
        return severity_of(self.score)

    @property
    def in_one_namespace(self) -> "Control":
        """As it counts where the rights that it is about are good for one namespace alone."""
        if self.namespaced_score is None:
            return self
        return replace(self, score=self.namespaced_score)

    @property
    def is_built(self) -> bool:
        """Whether the control judges something, or says what a person should look at."""
        return not self.needs


_FACTS = attrgetter(*Control.__struct_fields__)


class BuiltControl(Control, frozen=True, kw_only=True):
    """A control together with the code that judges by it. Made by ``posture.control.control``."""

    module: str
    """The dotted name of the control's file."""
    subject: type | None = None
    """What the check looks at; ``None`` without a check."""
    check: Callable[..., Violations] | None = None
    joins: bool = False
    """Whether the check takes the inventory as its second argument."""
    applies: Callable[..., bool] | None = None
    """Which subjects are judged at all; ``None`` for every one of its type."""
    is_namespaced: Callable[..., bool] | None = None
    """Takes what the check takes: whether the rights are good for one namespace alone. Goes with ``namespaced_score``."""

    @property
    def facts(self) -> Control:
        """The control without its code, as reports hold it."""
        return Control(*_FACTS(self))


def severity_of(score: float) -> Severity:
    """The word for a score of 0 to 10. Steps: 9, 7, 4, 1."""
    if score >= 9:
        return "critical"
    if score >= 7:
        return "high"
    if score >= 4:
        return "medium"
    return "low" if score >= 1 else "unknown"


class FrameworkEntry(Struct, frozen=True):
    """One control as a framework lists it."""

    control: str
    number: str = ""
    """The framework's own numbering, ``5.2.5`` or ``CC6.1``; empty where it has none."""
    title: str = ""
    """The framework's own title where it differs from the control's."""


class FrameworkItem(Struct, frozen=True):
    """An item of a framework that no control asks."""

    number: str
    title: str
    state: Literal["manual", "not built"]
    """Whether a person can judge it today, or a check could and is not built."""


class Framework(Struct, frozen=True):
    """A named list of controls."""

    name: str
    title: str
    entries: tuple[FrameworkEntry, ...]
    version: str = ""
    link: str = ""
    sections: Mapping[str, str] = {}
    """Section number to its heading."""
    items: tuple[FrameworkItem, ...] = ()
    """What it asks as well, and no control does."""

    @property
    def control_ids(self) -> tuple[str, ...]:
        return tuple(entry.control for entry in self.entries)
