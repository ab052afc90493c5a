"""What a scan could not read, judge or render."""

from typing import Literal

from msgspec import Struct

UnreadReason = Literal[
    "forbidden",
    "malformed",
    "too large",
    "unsupported",
    "not rendered",
    "missing",
    "left out",
    "unreachable",
    "incomplete",
    "fault",
]
"""``forbidden``: no permission; ``malformed``: not what it should be; ``too large``: beyond a limit; ``unsupported``: in a
form that is not understood; ``not rendered``: a chart or kustomization that failed; ``missing``: named and not there;
``left out``: by choice; ``unreachable``: no answer; ``incomplete``: read in part; ``fault``: of a control or cataloguer."""


class AccessRule(Struct, frozen=True):
    """A right to list that is missing in a cluster."""

    plural: str
    group: str = ""
    namespace: str = ""
    """Empty for the whole cluster."""
    is_namespaced: bool = False
    """Whether it could be asked for in single namespaces."""


class Unread(Struct, frozen=True):
    """A part of the target that could not be read, judged or rendered."""

    where: str
    """A path, a kind of object, or an object's id."""
    why: str
    reason: UnreadReason
    """What programs decide by; ``why`` is for people alone."""
    line: int = 0
    """Counted from 1; 0 where there is none."""
    column: int = 0
    hint: str = ""
    """One sentence on what to do."""
    rule: AccessRule | None = None
    """For ``forbidden``: the right that is missing, where it is known."""
    kind: str = ""
    """What it is, in the singular: ``HelmRelease``, ``chart``, ``template``; empty for any other file or part."""
