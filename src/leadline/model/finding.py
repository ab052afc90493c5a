"""What a scan found, and what it could not see."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from leadline.model.control import Control, Missing, Remove, Review, Set, Violation

Action = Literal["remove", "set", "review", "add"]


class Place(Struct, frozen=True):
    """A spot in a file, line and column counted from 1."""

    path: str
    line: int
    column: int
    exact: bool = True
    """False where only a parent of what was asked for is in the file."""
    steered_by: str = ""
    """What decides on it from elsewhere: a key of a chart's values (``image.tag``), or a patch (``prod/cpu.yaml:7``)."""


class Finding(Struct, frozen=True, omit_defaults=True):
    """One violation on one object. Only failures are objects; passes are counted."""

    control: str
    resource: str
    """The id of the object that fails."""
    violation: Violation
    """Its path starts at the root of the object that fails, or of ``violation.on`` where that names another one."""
    related: tuple[str, ...] = ()
    """Ids of other objects the verdict rests on: binding and role, Service, policy."""
    place: Place | None = None
    """Where the path leads; filled when the report is sealed, ``None`` for objects without a file."""
    lines: tuple[str, ...] = ()
    """The line of ``place`` and the one before it, credentials hidden; filled when the report is sealed."""
    is_namespaced: bool = False
    """Whether it is about rights that are good for one namespace alone, which ``Control.namespaced_score`` is for."""

    def control_of(self, controls: Mapping[str, Control]) -> Control:
        """That of ``controls``, by id, which found it, as it counts for this finding: ask it for severity and score."""
        control = controls[self.control]
        return control.in_one_namespace if self.is_namespaced else control

    @property
    def pair(self) -> tuple[str, str]:
        """Control and object: what is counted as one finding, in however many places the object fails it."""
        return self.control, self.resource

    @property
    def edit(self) -> tuple[str, str, str, str]:
        """What distinguishes one edit from another: object, path, action, and value or what a decision is about."""
        violation = self.violation
        if isinstance(violation, Missing):
            return self.resource, "", "add", violation.what
        on, path = violation.on or self.resource, violation.path
        if isinstance(violation, Review):
            return on, path, "review", violation.about
        if isinstance(violation, Set):
            value = violation.value
            return on, path, "set", value if isinstance(value, str) else repr(value)
        return on, path, "remove", ""

    @property
    def path(self) -> str:
        """From the root of the object called ``on``; empty for ``Missing``."""
        return "" if isinstance(self.violation, Missing) else self.violation.path

    @property
    def on(self) -> str:
        """The id of the object that ``path`` starts from."""
        return self.resource if isinstance(self.violation, Missing) else self.violation.on or self.resource

    @property
    def action(self) -> Action:
        match self.violation:
            case Remove():
                return "remove"
            case Set():
                return "set"
            case Review():
                return "review"
            case Missing():
                return "add"

    @property
    def value(self) -> Any:
        """What ``Set`` writes; ``None`` for the other violations."""
        return self.violation.value if isinstance(self.violation, Set) else None


SkipKind = Literal["no objects", "settings", "manual", "not built", "not read", "not applicable", "no facts"]
"""Why a control judged nothing: nothing to look at, a setting is empty, a person has to, no check yet, access, what it is about
does not exist here, nothing was read of nodes or by the cloud."""


class Skip(Struct, frozen=True):
    """A control that could not run, and the reason."""

    control: str
    why: str
    kind: SkipKind = "no objects"


class Undecided(Struct, frozen=True):
    """Objects that a control could not decide on, while it judged others. They count neither as passed nor as failed."""

    control: str
    why: str
    resources: tuple[str, ...]
    """Their ids, in the order of reading."""
