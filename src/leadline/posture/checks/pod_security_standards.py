"""What the rules of the Pod Security Standards have in common.

Each rule is held to the admission plugin of the API server, which enforces the standards' version of its own release.
Source: https://kubernetes.io/docs/concepts/security/pod-security-standards/.
"""

from collections.abc import Iterator
from typing import Any

from leadline.kube.version import parse_version
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload, mapping

CONFINED = ("RuntimeDefault", "Localhost")
"""Types of a seccomp or AppArmor profile that confine a container."""


def is_at_least(inventory: Inventory, major: int, minor: int) -> bool:
    """Whether the API server is of that release or a later one; an unknown server counts as a recent one."""
    version = parse_version(inventory.server_version) if inventory.server_version else None
    return version is None or version[:2] >= (major, minor)


def names_windows(workload: Workload) -> bool:
    """Whether the pod says ``os: {name: windows}``, which alone frees it from rules about Linux."""
    return mapping(workload.pod.get("os")).get("name") == "windows"


def has_user_namespace(workload: Workload, inventory: Inventory) -> bool:
    """Whether root in its containers is another user on the node, and the standards go by that (since 1.35)."""
    return workload.pod.get("hostUsers") is False and is_at_least(inventory, 1, 35)


def contexts_of(workload: Workload) -> Iterator[tuple[str, dict[str, Any]]]:
    """The path and the body of the pod's security context and of each container's, from the pod spec on."""
    yield "securityContext", workload.security_context
    for container in workload.containers:
        yield f"{container.place}securityContext", container.security_context
