"""What a complete security context holds, for a pod and for its containers.

Sources: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ and, for sysctls,
https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from leadline.model.control import YOUR_VALUE, Remove, Review, Set, Violation, Violations
from leadline.posture.checks.container_security import (
    privilege_escalation,
    privileged,
    root_user,
    runs_linux,
    writable_root_filesystem,
)
from leadline.posture.subject import Container, Workload, mapping, mappings, sequence, text

SAFE_SYSCTLS = frozenset(
    {
        "kernel.shm_rmid_forced",
        *(
            f"net.ipv4.{name}"
            for name in (
                "ip_local_port_range",
                "tcp_syncookies",
                "ping_group_range",
                "ip_unprivileged_port_start",
                "ip_local_reserved_ports",
                "tcp_keepalive_time",
                "tcp_fin_timeout",
                "tcp_keepalive_intvl",
                "tcp_keepalive_probes",
                "tcp_rmem",
                "tcp_wmem",
            )
        ),
    }
)
CHANGE_POLICIES = ("Always", "OnRootMismatch")
REMOVE_SYSCTLS = "REMOVE_UNSAFE_SYSCTLS"
REMOVE_GROUP = "REMOVE_GROUP_0"


def pod_context(workload: Workload) -> Violations:
    """What is missing or unsafe at the level of the pod. Paths start at the pod spec."""
    if workload.is_windows:
        if _is_host_process(workload.security_context):
            yield Set("securityContext.windowsOptions.hostProcess", False)
        return
    context = workload.security_context
    if context:  # the server writes an empty one into every pod
        yield from _groups_of_files(context)
    if any(text(sysctl.get("name")) not in SAFE_SYSCTLS for _, sysctl in mappings(context.get("sysctls"))):
        yield Set("securityContext.sysctls", REMOVE_SYSCTLS)
    if 0 in sequence(context.get("supplementalGroups")):
        yield Set("securityContext.supplementalGroups", REMOVE_GROUP)


def _groups_of_files(context: Mapping[str, Any]) -> Violations:
    """Asked only where the pod says something of its security: a group for files means nothing to the others."""
    group = context.get("fsGroup")
    if isinstance(group, bool) or not isinstance(group, int) or group < 0:
        yield Set("securityContext.fsGroup", YOUR_VALUE)
    if context.get("fsGroupChangePolicy") not in CHANGE_POLICIES:
        yield Set("securityContext.fsGroupChangePolicy", CHANGE_POLICIES[0])


def container_context(container: Container) -> Violations:
    """What is missing or unsafe in one container, for a check over its workload. Paths start at the pod spec."""
    for violation in _of_container(container):
        yield _from_pod(violation, container.place)


def _of_container(container: Container) -> Iterator[Violation]:
    yield from privileged(container)
    if not runs_linux(container):
        yield from _of_windows(container)
        return
    yield from root_user(container)
    yield from privilege_escalation(container)
    yield from writable_root_filesystem(container)
    if container.is_ephemeral:
        return
    yield from _raw_packets(container)
    for field in ("seLinuxOptions", "seccompProfile"):
        if not container.effective(field):
            yield Set(f"securityContext.{field}", YOUR_VALUE)
    if container.security_context.get("procMount") not in (None, "Default"):
        yield Set("securityContext.procMount", "Default")


def _raw_packets(container: Container) -> Iterator[Violation]:
    dropped = container.dropped_capabilities
    if "ALL" in dropped:
        if any(name == "NET_RAW" for _, name in container.added_capabilities):
            yield Remove("securityContext.capabilities.add")
    elif "NET_RAW" not in dropped:
        place = len(sequence(container.capabilities.get("drop")))
        yield Set(f"securityContext.capabilities.drop[{place}]", "NET_RAW")


def _of_windows(container: Container) -> Iterator[Violation]:
    of_pod = mapping(container.workload.security_context.get("windowsOptions"))
    own = mapping(container.security_context.get("windowsOptions"))
    if own.get("hostProcess") is True:
        yield Set("securityContext.windowsOptions.hostProcess", False)
    if container.list != "containers":
        return
    for field in ("gmsaCredentialSpecName", "runAsUserName"):
        if not own.get(field) and not of_pod.get(field):
            yield Set(f"securityContext.windowsOptions.{field}", YOUR_VALUE)


def _is_host_process(context: dict[str, Any]) -> bool:
    return mapping(context.get("windowsOptions")).get("hostProcess") is True


def _from_pod(violation: Violation, place: str) -> Violation:
    match violation:
        case Set(path, value, ""):
            return Set(place + path, value)
        case Remove(path, ""):
            return Remove(place + path)
        case Review(path, ""):
            return Review(place + path)
        case _:
            return violation
