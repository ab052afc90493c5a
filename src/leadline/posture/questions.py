"""Controls with their settings, made ready once: which are asked of what."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

from leadline.kube.rbac import Grant, Rights
from leadline.model.control import BuiltControl, Violations
from leadline.model.finding import Skip
from leadline.model.resource import Resource
from leadline.posture.control_plane import PROCESSES
from leadline.posture.index import EVERY_KIND, WORKLOADS
from leadline.posture.inventory import Facts
from leadline.posture.subject import Container, Workload

K = TypeVar("K")
Settings = Mapping[str, tuple[str, ...]]
Applies = Callable[[Any], bool] | None
Bound = tuple[str, Callable[..., Violations], bool]
"""Control id, check with its settings, and whether it takes the inventory."""

_OURS = "leadline.posture."
"""How the modules of the controls begin that come with the product."""


_FIX = re.compile(r"^[ \t]*Fix:(.+?)(?:\n[ \t]*\n|\Z)", re.MULTILINE | re.DOTALL)


class Group:
    """Controls over one type of subject that apply to the same ones, so that this is asked once."""

    __slots__ = ("applies", "bounds", "ids")

    def __init__(self, applies: Applies, bounds: Iterable[Bound]) -> None:
        self.applies = applies
        self.bounds = tuple(bounds)
        self.ids = tuple(control_id for control_id, _, _ in self.bounds)


Groups = tuple[Group, ...]


class _Filing(Generic[K]):
    """Groups by what their controls look at."""

    def __init__(self) -> None:
        self._bounds: dict[K, dict[Applies, list[Bound]]] = defaultdict(lambda: defaultdict(list))

    def add(self, key: K, applies: Applies, bound: Bound) -> None:
        self._bounds[key][applies].append(bound)

    def groups(self) -> dict[K, Groups]:
        return {
            key: tuple(Group(applies, bounds) for applies, bounds in by_subject.items())
            for key, by_subject in self._bounds.items()
        }


class _Advice(dict[str, str]):
    """By the id of a control what ``advice_in`` finds, when it is first asked for."""

    def __init__(self, controls: Iterable[BuiltControl]) -> None:
        super().__init__()
        self._docs = {control.id: control.doc for control in controls}

    def __missing__(self, id: str) -> str:
        found = self[id] = advice_in(self._docs[id])
        return found


class Questions:
    """What ``controls`` ask. It holds nothing of any run and may be used from many threads."""

    def __init__(
        self, controls: Sequence[BuiltControl], settings: Settings, facts: Facts, *, about_fields: bool = True
    ) -> None:
        """``about_fields``: whether a pod's fields of a wrong type are named, which takes no control."""
        self.about_fields = about_fields
        self.rank = {control.id: rank for rank, control in enumerate(controls)}
        self.of_users = frozenset(c.id for c in controls if not c.module.startswith(_OURS))
        self.advice = _Advice(controls)
        """What decides where a check says only where to look."""
        self.is_namespaced = {c.id: c.is_namespaced for c in controls if c.is_namespaced is not None}
        """What says whether a finding is about rights in one namespace."""
        self.left_out: list[Skip] = []
        """The controls that judge no object whatever there is."""
        self._settings = settings
        self._facts = facts
        by_type, by_kind = _Filing[type](), _Filing[str]()
        for control in controls:
            self._file(control, by_type, by_kind)
        self._by_type = by_type.groups()
        self._by_kind = by_kind.groups()
        self.about_pods = (
            Workload in self._by_type or Container in self._by_type or WORKLOADS in self._by_kind
        )
        self.about_processes = any(process in self._by_type for process in PROCESSES)
        self.about_rights = Rights in self._by_type
        self.about_grants = Grant in self._by_type

    def on(self, subject: type) -> Groups:
        """The controls over a type of subject."""
        return self._by_type.get(subject, ())

    def on_kind(self, kind: str) -> Groups:
        """The controls over objects of a kind."""
        return self._by_kind.get(kind, ())

    def _file(self, control: BuiltControl, by_type: _Filing[type], by_kind: _Filing[str]) -> None:
        """Puts a control under what it looks at, or among those left out."""
        if control.manual:
            self.left_out.append(Skip(control.id, control.manual, "manual"))
        elif control.check is None or control.subject is None:
            self.left_out.append(Skip(control.id, f"not built yet: needs {control.needs}", "not built"))
        elif control.cloud and self._facts.cloud not in ("", control.cloud):
            self.left_out.append(Skip(control.id, f"for {control.cloud} clusters only", "not applicable"))
        else:
            chosen = {name: self._settings.get(name, default) for name, default in control.settings.items()}
            if control.needs_setting and not any(chosen.values()):
                names = " or ".join(sorted(chosen))
                self.left_out.append(Skip(control.id, f"nothing set for {names}", "settings"))
                return
            check = partial(control.check, **chosen) if chosen else control.check
            bound, applies = (control.id, check, control.joins), control.applies
            if control.subject is Resource:
                for kind in (EVERY_KIND,) if EVERY_KIND in control.kinds else control.kinds:
                    by_kind.add(kind, applies, bound)
            else:
                by_type.add(control.subject, applies, bound)
                if control.subject is Rights:
                    by_type.add(Grant, applies, bound)


def advice_in(doc: str) -> str:
    """The first sentence after ``Fix:``, without marks and full stop; empty where there is none."""
    found = _FIX.search(doc)
    text = " ".join(found[1].split()).replace("``", "") if found else ""
    return text.partition(". ")[0].removesuffix(".")
