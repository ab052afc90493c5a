"""What a scan found, and what it could not see."""

from typing import Any, Literal

from msgspec import Struct

from leadline.model.control import Missing, Remove, Review, Set, Violation
from leadline.model.resource import Resource

Action = Literal["remove", "set", "review", "add"]


class Finding(Struct, frozen=True):
    """One violation on one object. Only failures are objects; passes are counted."""

    control: str
    resource: Resource
    """The object that fails."""
    path: str
    """From the root of ``resource`` (of ``on`` where that is another object); empty for ``Missing``."""
    violation: Violation
    on: Resource | None = None
    """The object that ``path`` starts from, where it is not ``resource``."""
    related: tuple[Resource, ...] = ()
    """Other objects the verdict rests on: binding and role, Service, policy."""

    @property
    def place(self) -> Resource:
        """The object that ``path`` starts from."""
        return self.on or self.resource

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


class Skip(Struct, frozen=True):
    """A control that could not run, and the reason."""

    control: str
    why: str
    kind: Literal["no objects", "settings", "manual", "not built", "not read"] = "no objects"


class Unread(Struct, frozen=True):
    """A part of the target that could not be read, judged or rendered."""

    where: str
    """A path, a kind of object, or an object's id."""
    why: str
    line: int = 0
    """Counted from 1; 0 where there is none."""
    column: int = 0
    hint: str = ""
    """One sentence on what to do."""


class Place(Struct, frozen=True):
    """A spot in a file, line and column counted from 1."""

    path: str
    line: int
    column: int
    exact: bool = True
    """False where only a parent of what was asked for is in the file."""
    steered_by: str = ""
    """What decides on it from elsewhere: a key of a chart's values (``image.tag``), or a patch (``prod/cpu.yaml:7``)."""
