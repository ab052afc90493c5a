"""All that a control file imports, in addition to a topic of ``posture.checks``.

A control is one function. The type of its first argument says what it is run on, an ``Inventory`` as
the second gives it the joins, and keyword-only arguments are its settings::

    @control("C-0046", "Insecure capabilities", score=7.0, category="Workload")
    def insecure_capabilities(container: Container, *, insecure_capabilities: tuple[str, ...] = (...)) -> Violations:

What a check looks at (its first argument):

==================== ==========================================================================================
``Workload``         an object that runs pods, seen through its pod template
``Container``        one container of a workload, of any of its three lists
``Namespace``        a namespace
``Rights``           what one role allows: to each subject that holds it, or of itself where no binding was read
``Grant``            one subject that holds one role through one binding
``Resource``         any object; ``kinds=`` says of which kinds
``ApiServer``        the flags of the API server; likewise ``ControllerManager``, ``Scheduler`` and ``Etcd``
==================== ==========================================================================================

What it yields: ``Remove``, ``Set``, ``Review``, ``Missing`` (together ``Violations``); ``YOUR_VALUE`` represents a
value that only the owner knows, ``NotJudged`` is raised where an object is neither right nor wrong, ``NotApplicable`` where
there is nothing of the kind. ``Inventory``
joins objects, ``WORKLOADS`` in ``reads=`` names all kinds that run pods. ``mapping``, ``sequence``, ``text`` and
``mappings`` read a field of the wrong type as absent. ``control``, ``manual`` and ``not_built`` make the ``BuiltControl``.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Required, TypedDict, Unpack, get_type_hints

from msgspec.structs import replace

from leadline.kube.rbac import Grant, Rights
from leadline.model.control import (
    YOUR_VALUE,
    BuiltControl,
    Consequence,
    Missing,
    NotApplicable,
    NotJudged,
    Remove,
    Review,
    Set,
    Violations,
)
from leadline.model.resource import Resource
from leadline.posture.control_plane import ApiServer, ControllerManager, Etcd, Scheduler
from leadline.posture.index import WORKLOADS
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Container, Namespace, Workload, mapping, mappings, sequence, text

__all__ = [
    "WORKLOADS",
    "YOUR_VALUE",
    "ApiServer",
    "BuiltControl",
    "Container",
    "ControllerManager",
    "Etcd",
    "Grant",
    "Inventory",
    "Missing",
    "Namespace",
    "NotApplicable",
    "NotJudged",
    "Remove",
    "Resource",
    "Review",
    "Rights",
    "Scheduler",
    "Set",
    "Violations",
    "Workload",
    "control",
    "manual",
    "mapping",
    "mappings",
    "not_built",
    "row",
    "sequence",
    "text",
]

SUBJECTS: tuple[type, ...] = (
    Workload,
    Container,
    Rights,
    Grant,
    Namespace,
    Resource,
    ApiServer,
    ControllerManager,
    Scheduler,
    Etcd,
)

Check = Callable[..., Violations]


def control(
    id: str,
    title: str,
    *,
    problem: str = "",
    consequence: Consequence = "other",
    score: float,
    reference_score: float | None = None,
    category: str,
    kinds: tuple[str, ...] = (),
    reads: tuple[str, ...] = (),
    applies: Callable[..., bool] | None = None,
    cloud: str = "",
    needs_setting: bool = False,
    namespaced_score: float | None = None,
    is_namespaced: Callable[..., bool] | None = None,
    see: str = "",
    example: str = "",
    cannot_see: str = "",
) -> Callable[[Check], BuiltControl]:
    """Makes a ``BuiltControl`` of a check.

    ``problem`` says what is wrong in at most 40 characters, ``consequence`` what it leads to. ``reads`` names the
    kinds that a join looks at. ``kinds`` is for checks over a ``Resource``: ``("Service", "Ingress.networking.k8s.io")``. ``applies``
    says which subjects are judged at all; the others count neither as passed nor as failed. ``cloud``
    is for a control that makes sense on the clusters of one service alone, ``needs_setting`` for one that has
    nothing to judge by while all its settings are empty. ``namespaced_score`` is for what ``is_namespaced``, which takes
    what the check takes, says is about rights in one namespace. With ``see``, a link, the control shares its file with
    others: its name is the function's, and its documentation the function's docstring, to which ``example``, a manifest, and
    ``cannot_see`` are added where they are given.

    Raises:
        TypeError: the check's first argument is of no type that the engine can supply, or its function is that of another control.
    """

    def make(check: Check) -> BuiltControl:
        subject, joins = _arguments(check)
        if subject not in SUBJECTS:
            raise TypeError(f"{id}: the first argument must be annotated with one of {_names(SUBJECTS)}")
        if (subject is Resource) != bool(kinds):
            raise TypeError(f"{id}: kinds= goes with a check over a Resource, and only with it")
        # The second of one name in a file would take the place of the first. Inside a function it does not.
        before = getattr(check, "__globals__", {}).get(getattr(check, "__qualname__", ""))
        if isinstance(before, BuiltControl) and before.id != id:
            raise TypeError(f"{id}: {check.__name__} is the function of {before.id} already")
        return BuiltControl(
            id,
            title,
            score,
            category,
            _page(check.__doc__ or "", example, see, cannot_see) if see else _documentation(check),
            check.__name__ if see else _file_name(check.__module__),
            module=check.__module__,
            problem=problem,
            consequence=consequence,
            reference_score=reference_score,
            subject=subject,
            kinds=kinds,
            check=check,
            joins=joins,
            reads=reads,
            applies=applies,
            cloud=cloud,
            settings=_settings(id, check),
            needs_setting=needs_setting,
            namespaced_score=namespaced_score,
            is_namespaced=is_namespaced,
        )

    return make


class Said(TypedDict, total=False):
    """What is said of a control; as the arguments of ``control``."""

    problem: Required[str]
    consequence: Consequence
    score: Required[float]
    reference_score: float


class SaidUnchecked(Said, total=False):
    """Of one without a check."""

    category: Required[str]
    cloud: str


def manual(
    id: str, title: str, *, look_at: str, doc: str = "", **said: Unpack[SaidUnchecked]
) -> BuiltControl:
    """A control that only a person can judge. ``look_at`` says in one sentence what to look at; without ``doc`` its file says
    the rest, and gives it its name.
    """
    return _without_check(id, title, doc, look_at, "", **said)


def not_built(id: str, title: str, *, needs: str, **said: Unpack[SaidUnchecked]) -> BuiltControl:
    """A control that cannot judge yet. ``needs`` names the facts that are not read: ``"kubelet settings of the nodes"``."""
    return _without_check(id, title, "", "", needs, **said)


def _without_check(
    id: str, title: str, doc: str, look_at: str, needs: str, **said: Unpack[SaidUnchecked]
) -> BuiltControl:
    file = sys._getframe(2).f_globals
    return BuiltControl(
        id=id,
        title=title,
        doc=doc or file["__doc__"] or "",
        name="" if doc else _file_name(file["__name__"]),
        module=file["__name__"],
        manual=look_at,
        needs=needs,
        **said,
    )


def _page(doc: str, example: str, see: str, cannot_see: str = "") -> str:
    """``doc``, as it is indented in a function, with what it lacks; its own ``Cannot see:`` goes before ``cannot_see``."""
    written = doc.replace("\n    ", "\n").strip()
    if example:
        written, _, own = written.partition("\n\nCannot see: ")
        manifest = "\n".join(f"    {line}" for line in example.splitlines())
        written = f"{written}\n\nExample::\n\n{manifest}\n\nCannot see: {own or cannot_see}"
    return f"{written}\n\nSee: {see}\n"


def row(made: BuiltControl, doc: str, example: str, see: str, cannot_see: str) -> BuiltControl:
    """``made`` as one of several that ask the same, without a function of its own: ``doc`` is its docstring, and its file names it."""
    return replace(made, name="", doc=_page(doc, example, see, cannot_see))


def _file_name(module: str) -> str:
    return module.rpartition(".")[2]


def _arguments(check: Check) -> tuple[type | None, bool]:
    """The type of the first argument, and whether there is a second."""
    code = check.__code__
    count = code.co_argcount
    if not count:
        return None, False
    annotation: Any = check.__annotations__.get(code.co_varnames[0])
    if isinstance(annotation, str):
        annotation = get_type_hints(check).get(code.co_varnames[0])
    return annotation, count > 1


def _settings(id: str, check: Check) -> Mapping[str, tuple[str, ...]]:
    settings: dict[str, tuple[str, ...]] = check.__kwdefaults__ or {}
    for name, default in settings.items():
        if not isinstance(default, tuple) or not all(isinstance(value, str) for value in default):
            raise TypeError(f"{id}: the default of setting {name} must be a tuple of texts")
    return settings


def _documentation(check: Check) -> str:
    return check.__globals__.get("__doc__") or check.__doc__ or ""


def _names(types: tuple[type, ...]) -> str:
    return ", ".join(t.__name__ for t in types)
