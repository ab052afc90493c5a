"""What a security context should hold, for a pod and for its containers.

Sources: https://kubernetes.io/docs/tasks/configure-pod-container/security-context/ and, for sysctls,
https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import structs

from leadline.model.control import Missing, Remove, Set, Violation, Violations
from leadline.posture.checks.container_security import (
    privilege_escalation,
    privileged,
    root_user,
    runs_linux,
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


def pod_context(workload: Workload) -> Violations:
    """What is unsafe at the level of the pod. Paths start at the pod spec."""
    context = workload.security_context
    if workload.is_windows:
        if _is_host_process(context):
            yield Set("securityContext.windowsOptions.hostProcess", False)
        return
    for i, sysctl in mappings(context.get("sysctls")):
        if text(sysctl.get("name")) not in SAFE_SYSCTLS:
            yield Remove(f"securityContext.sysctls[{i}]")
    for i, group in enumerate(sequence(context.get("supplementalGroups"))):
        if group == 0 and not isinstance(group, bool):
            yield Remove(f"securityContext.supplementalGroups[{i}]")


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
    if container.is_ephemeral:
        return
    yield from _raw_packets(container)
    if not container.effective("seccompProfile"):
        yield Set("securityContext.seccompProfile.type", "RuntimeDefault")
    if container.security_context.get("procMount") not in (None, "Default"):
        yield Set("securityContext.procMount", "Default")


def _raw_packets(container: Container) -> Iterator[Violation]:
    dropped = container.dropped_capabilities
    if "ALL" in dropped:
        if any(name == "NET_RAW" for _, name in container.added_capabilities):
            yield Remove("securityContext.capabilities.add")
    elif "NET_RAW" not in dropped:
        place = len(sequence(container.capabilities.get("drop")))
        yield Set(f"securityContext.capabilities.drop[{place}]", "ALL")


def _of_windows(container: Container) -> Iterator[Violation]:
    of_pod = mapping(container.workload.security_context.get("windowsOptions"))
    own = mapping(container.security_context.get("windowsOptions"))
    if own.get("hostProcess") is True:
        yield Set("securityContext.windowsOptions.hostProcess", False)
    if container.list == "containers" and not own.get("runAsUserName") and not of_pod.get("runAsUserName"):
        yield Set("securityContext.windowsOptions.runAsUserName", "ContainerUser")


def _is_host_process(context: dict[str, Any]) -> bool:
    return mapping(context.get("windowsOptions")).get("hostProcess") is True


def _from_pod(violation: Violation, place: str) -> Violation:
    if isinstance(violation, Missing) or violation.on:
        return violation
    if isinstance(violation, Set):
        return Set(place + violation.path, violation.value)
    return structs.replace(violation, path=place + violation.path)
