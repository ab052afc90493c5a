"""Whether SELinux is in use where pods run."""

from collections.abc import Iterator

from leadline.model.resource import Resource
from leadline.posture.index import WORKLOADS, Filed, Index
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Container, Workload

__all__ = ["uses_selinux"]


def uses_selinux(inventory: Inventory) -> bool:
    """Whether any pod beside has SELinux options; then those without any are the odd ones."""
    found = inventory.once(
        "SELinux", lambda: next(iter(inventory.find(_LABELLED, inventory.everywhere)), None)
    )
    if found is not None:
        inventory.rest_on(found)
    return found is not None


def _labelled(filed: Filed) -> Iterator[tuple[str, Resource]]:
    for workload in filed.workloads:
        holders: tuple[Workload | Container, ...] = (workload, *workload.containers)
        if any(holder.security_context.get("seLinuxOptions") for holder in holders):
            yield filed.everywhere, filed.resource


_LABELLED: Index[Resource] = Index((WORKLOADS,), _labelled)
