"""What a container's security context lets it do; each question serves several controls."""

from leadline.model.control import Remove, Review, Set, Violations
from leadline.posture.subject import Container

NON_ROOT_ID = 1000
NODE_CAPABILITIES = frozenset({"SYS_ADMIN", "ALL"})
"""With these a container is as good as privileged."""

OF_DEBUGGING = "start the next debugging container with it: this one cannot be changed"


def runs_linux(container: Container) -> bool:
    """Whether Linux security settings mean anything to it."""
    return not container.workload.is_windows


def privileged(container: Container) -> Violations:
    if container.security_context.get("privileged") is True:
        if any(mount.get("mountPropagation") == "Bidirectional" for _, mount in container.mounts):
            yield Review(
                "securityContext.privileged",
                advice="take mountPropagation: Bidirectional out as well, which the API server allows here alone",
            )
        else:
            yield Remove("securityContext.privileged")
    for i, capability in container.added_capabilities:
        if capability in NODE_CAPABILITIES:
            yield Remove(f"securityContext.capabilities.add[{i}]")


def privilege_escalation(container: Container) -> Violations:
    if container.security_context.get("allowPrivilegeEscalation") is False:
        return
    if container.security_context.get("privileged") is True or any(
        name == "SYS_ADMIN" for _, name in container.added_capabilities
    ):
        yield Review(
            "securityContext.allowPrivilegeEscalation",
            advice="set it to false once privileged and SYS_ADMIN are gone: the API server refuses it beside them",
        )
    else:
        yield _missing_setting(container, "allowPrivilegeEscalation", False)


def writable_root_filesystem(container: Container) -> Violations:
    if container.security_context.get("readOnlyRootFilesystem") is not True:
        yield _missing_setting(container, "readOnlyRootFilesystem", True)


def root_user(container: Container) -> Violations:
    """A container that may run as user 0. The kubelet refuses user 0 under ``runAsNonRoot``."""
    if container.effective("runAsNonRoot") is True or container.effective("runAsUser"):
        return
    if container.is_ephemeral:
        yield Review("securityContext", advice=OF_DEBUGGING)
    elif container.effective("runAsUser") == 0:
        yield _at_its_level(container, "runAsUser")
    else:
        yield Set("securityContext.runAsNonRoot", True)


def root_group(container: Container) -> Violations:
    """A container whose processes are in group 0: it is named, or a user is and no group.

    Where the user is the image's, so is the group.
    """
    group = container.effective("runAsGroup")
    if group == 0 or (group is None and container.effective("runAsUser") is not None):
        unchangeable = Review("securityContext", advice=OF_DEBUGGING)
        yield unchangeable if container.is_ephemeral else _at_its_level(container, "runAsGroup")
    workload = container.workload
    for field in ("fsGroup", "supplementalGroups"):
        groups = workload.security_context.get(field)
        if groups == 0 or (isinstance(groups, list) and 0 in groups):
            yield Review(f"{workload.pod_path}securityContext.{field}", on=workload.resource.id)


def _missing_setting(container: Container, field: str, value: bool) -> Set | Review:
    """Writes the setting; a debugging container cannot be changed once it is there."""
    if container.is_ephemeral:
        return Review("securityContext", advice=OF_DEBUGGING)
    return Set(f"securityContext.{field}", value)


def _at_its_level(container: Container, field: str) -> Set:
    """Writes the id where a 0 is now: in the container, else in the pod; a new one goes to the container."""
    workload = container.workload
    if field not in container.security_context and workload.security_context.get(field) == 0:
        return Set(f"{workload.pod_path}securityContext.{field}", NON_ROOT_ID, on=workload.resource.id)
    return Set(f"securityContext.{field}", NON_ROOT_ID)
