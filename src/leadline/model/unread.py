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


_SUBJECTS = ("User", "Group", "ServiceAccount")
_RBAC = "rbac.authorization.k8s.io"


class UnlistedKinds:
    """Kinds of which a scan of a cluster says nothing, in one namespace or in all: it may not list them."""

    def __init__(self, rules: Iterable[AccessRule]) -> None:
        self._rules = tuple(dict.fromkeys(rules))
        self._known: dict[tuple[str, str, str], bool] = {}

    def covers(self, group: str, kind: str, namespace: str) -> bool:
        """Whether objects of a kind may be among them, or are joined from such."""
        key = (group, kind, namespace)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = any(_is_of(one, *key) for one in self._rules)
        return found


def _is_of(rule: AccessRule, group: str, kind: str, namespace: str) -> bool:
    if rule.group == _RBAC and kind in _SUBJECTS:
        return True
    if group != rule.group or (rule.namespace and namespace != rule.namespace):
        return False
    name = kind.lower()
    # The plurals of custom kinds follow no rule, so that any of their group may be meant.
    is_custom = "." in group and not group.endswith(".k8s.io")
    return is_custom or rule.plural in (name, f"{name}s", f"{name}es", f"{name[:-1]}ies")


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
