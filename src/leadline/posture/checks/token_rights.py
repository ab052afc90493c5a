"""What a workload may do with the service account token that is mounted into it."""

from collections.abc import Callable, Iterator

from leadline.kube.rbac import Grant
from leadline.model.control import Remove, Review, Violations
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload


def token_of(
    workload: Workload, inventory: Inventory, is_dangerous: Callable[[Grant], bool]
) -> Iterator[Grant]:
    """The dangerous grants that whoever takes over the workload holds through its mounted token."""
    if inventory.mounts_token(workload):
        yield from filter(is_dangerous, inventory.grants_of(workload))


def evidence_of(grant: Grant) -> Violations:
    """Where a workload's right comes from. A group holds others too, so that only a person can take it out."""
    if grant.kind == "Group":
        yield Review(grant.subject_path, on=grant.binding)
    else:
        yield Remove(grant.subject_path, on=grant.binding)
    if grant.role.origin.kind != "derived":
        yield Review("", on=grant.role)
