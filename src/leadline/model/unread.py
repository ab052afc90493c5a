"""What a scan could not read, judge or render."""

from collections.abc import Iterable, Iterator
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


_MOST_SEGMENTS = 64


class PassedOver:
    """Files of which a scan says nothing: those among ``parts``, and what lies below or is rendered from one of them.

    ``parts`` are called as the user would open them, files from the scanned folder on: any beginning may come before.
    """

    def __init__(self, parts: Iterable[str]) -> None:
        # Hashes: the names of a hostile sender would take a thousand times the memory.
        self._ends = {hash(end) for part in parts for end in _ends(part)}
        self._known: dict[str, bool] = {}

    def covers(self, file: str) -> bool:
        """``file``: with a colon after the chart or the kustomization that it is rendered from."""
        found = self._known.get(file)
        if found is None:
            found = self._known[file] = bool(self._ends) and any(
                hash(above) in self._ends for name in file.split(":") if name for above in _with_folders(name)
            )
        return found


def _ends(part: str) -> list[str]:
    """``a/b/c``, ``b/c`` and ``c``."""
    steps = part.rstrip("/").split("/")
    return ["/".join(steps[at:]) for at in range(max(0, len(steps) - _MOST_SEGMENTS), len(steps))]


def _with_folders(name: str) -> Iterator[str]:
    """``a/b``, ``a`` and ``.``."""
    while name:
        yield name
        name = name.rpartition("/")[0]
    yield "."
