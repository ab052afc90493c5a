"""Which kinds of objects a set of controls has to see, so that a cluster is asked for those and no others."""

from collections.abc import Iterable

from leadline.kube import kinds as kube_kinds
from leadline.kube.rbac import RBAC_KINDS, Grant, Rights
from leadline.model.control import BuiltControl
from leadline.model.resource import Resource
from leadline.posture.control_plane import ControlPlaneProcess
from leadline.posture.fact_kinds import COMMANDS, FILES
from leadline.posture.index import EVERY_KIND, WORKLOADS
from leadline.posture.subject import Container, Namespace, Workload


def kinds_needed(controls: Iterable[BuiltControl]) -> frozenset[str]:
    """``Kind``, ``Kind.group``, and ``workloads`` for everything that runs pods; empty where nothing is looked at.

    What a cloud says, and files of other kinds, are in no cluster.
    """
    kinds: set[str] = set()
    for control in controls:
        if control.check is not None and control.subject is not None:
            kinds.update(_kinds_of(control.subject), control.kinds, control.reads)
    return frozenset(kinds - {EVERY_KIND} - COMMANDS.keys() - FILES)


def kinds_judged(controls: Iterable[BuiltControl]) -> frozenset[str]:
    """As ``kinds_needed``, with every kind that runs pods by its name."""
    kinds = kinds_needed(controls)
    return (
        kinds - {WORKLOADS} | {*kube_kinds.WORKLOADS, *kube_kinds.ADDED_WORKLOADS}
        if WORKLOADS in kinds
        else kinds
    )


def _kinds_of(subject: type) -> tuple[str, ...]:
    if subject in (Workload, Container):
        return (WORKLOADS,)
    if subject in (Grant, Rights):
        return RBAC_KINDS
    if subject is Namespace:
        return ("Namespace",)
    if subject is Resource:
        return ()
    return ("Pod",) if issubclass(subject, ControlPlaneProcess) else ()
