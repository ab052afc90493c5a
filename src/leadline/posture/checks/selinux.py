"""Whether SELinux is in use where pods run."""

from collections.abc import Iterator

from leadline.posture.index import WORKLOADS, Filed
from leadline.posture.inventory import Index, Inventory
from leadline.posture.subject import Container, Workload

__all__ = ["uses_selinux"]


def uses_selinux(inventory: Inventory) -> bool:
    """Whether any pod beside has SELinux options; then those without any are the odd ones."""
    return inventory.has(_LABELLED, inventory.everywhere)


def _labelled(filed: Filed) -> Iterator[tuple[str, None]]:
    for workload in filed.workloads:
        holders: tuple[Workload | Container, ...] = (workload, *workload.containers)
        if any(holder.security_context.get("seLinuxOptions") for holder in holders):
            yield filed.everywhere, None


_LABELLED: Index[None] = Index((WORKLOADS,), _labelled)
