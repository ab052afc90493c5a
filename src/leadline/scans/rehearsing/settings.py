"""What manifests say of containers: whose they are, what is mounted, which rights and which filter of system calls they have."""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from leadline.model.container import Container as Recorded
from leadline.model.profile import Profile
from leadline.model.resource import Resource
from leadline.posture.subject import Container, Workload, mapping, text
from leadline.runtime.rehearsal.files import Mounts
from leadline.runtime.rehearsal.rights import Rights, capabilities_left
from leadline.runtime.rehearsal.seccomp import Filter, filter_of, runtime_default

_POD_NAMES = {
    "Deployment": r"-[a-z0-9]{1,10}-[a-z0-9]{5}",
    "ReplicaSet": r"-[a-z0-9]{5}",
    "DaemonSet": r"-[a-z0-9]{5}",
    "ReplicationController": r"-[a-z0-9]{5}",
    "StatefulSet": r"-[0-9]{1,9}",
    "Job": r"(?:-[0-9]{1,9})?-[a-z0-9]{5}",
    "CronJob": r"-[0-9]{6,10}(?:-[0-9]{1,9})?-[a-z0-9]{5}",
    "Pod": "",
}
"""What controllers write behind their own name."""


def is_of(recorded: Recorded, workload: Workload) -> bool:
    """Whether the container ran in a pod of ``workload``."""
    if recorded.namespace and recorded.namespace != workload.namespace:
        return False
    if recorded.pod_uid and not recorded.name:
        return False  # what holds the network of a pod, which no manifest has
    if recorded.workload:
        if (recorded.workload_kind, recorded.workload) == (workload.kind, workload.name):
            return True
        is_run = workload.kind == "CronJob" and recorded.workload_kind == "Job"
        return (
            is_run
            and re.fullmatch(rf"{re.escape(workload.name)}-[0-9]{{6,10}}", recorded.workload) is not None
        )
    suffix = _POD_NAMES.get(workload.kind)
    return (
        bool(recorded.pod)
        and suffix is not None
        and re.fullmatch(re.escape(workload.name) + suffix, recorded.pod) is not None
    )


def container_of(recorded: Recorded, workload: Workload) -> Container | None:
    """The container of ``workload`` that was recorded; without a name the only one."""
    every = [one for one in workload.containers if not one.is_ephemeral]
    if recorded.name:
        return next((one for one in every if one.name == recorded.name), None)
    return every[0] if len(every) == 1 else None


def as_workload(profile: Profile, name: str) -> Recorded:
    """``profile``'s container as one of ``NAMESPACE/KIND/NAME[/CONTAINER]``."""
    namespace, kind, workload, *container = name.split("/")
    known = profile.container
    return Recorded(
        known.id, container[0] if container else "", known.image, known.image_id, namespace=namespace,
        workload_kind=kind, workload=workload,
    )  # fmt: skip


def mounts_of(container: Container) -> Mounts:
    writable = ["/dev/termination-log"]
    read_only: list[str] = []
    for _, mount in container.mounts:
        path = text(mount.get("mountPath"))
        if not path.startswith("/"):
            continue
        volumes = container.workload.volumes_by_name.get(text(mount.get("name")), [])
        is_read_only = mount.get("readOnly") is True or any(map(_is_read_only, volumes))
        (read_only if is_read_only else writable).append(path.rstrip("/") or "/")
    is_root_read_only = container.security_context.get("readOnlyRootFilesystem") is True
    return Mounts(tuple(writable), tuple(read_only), is_root_read_only, title_of(container))


def rights_of(container: Container) -> Rights:
    user = container.effective("runAsUser")
    is_privileged = container.security_context.get("privileged") is True
    added = frozenset(name for _, name in container.added_capabilities)
    return Rights(
        None if is_privileged else capabilities_left(container.dropped_capabilities, added),
        user if isinstance(user, int) and not isinstance(user, bool) else None,
        container.effective("runAsNonRoot") is True,
        container.security_context.get("allowPrivilegeEscalation") is not False,
        title_of(container),
        container.workload.pod.get("automountServiceAccountToken") is not False,
    )


def filter_for(container: Container, profiles: Mapping[str, Filter]) -> Filter | str | None:
    """The seccomp profile of ``container``; text where it is named and not there, ``None`` where it has none."""
    wanted = mapping(container.effective("seccompProfile"))
    type, title = text(wanted.get("type")), f"{title_of(container)} seccompProfile"
    if container.security_context.get("privileged") is True or type in ("", "Unconfined"):
        return None
    if type == "RuntimeDefault":
        return runtime_default(title, rights_of(container).capabilities)
    name = text(wanted.get("localhostProfile"))
    return profiles.get(PurePosixPath(name).name) or f"the seccomp profile {name} is not among the policies"


def seccomp_objects(resources: Iterable[Resource]) -> dict[str, Filter]:
    """The seccomp profiles that are objects, by the name that pods ask for them."""
    found: dict[str, Filter] = {}
    for one in resources:
        if one.kind != "SeccompProfile":
            continue
        spec = mapping(one.body.get("spec"))
        containers = spec.get("containers")
        parts = [(one.name, spec)] + [
            (f"{one.name}-{text(part.get('name'))}", mapping(part.get("spec")))
            for part in (containers if isinstance(containers, list) else ())
            if isinstance(part, dict)
        ]
        for name, body in parts:
            read = filter_of(body, one.title)
            if read is not None:
                found[f"{name}.json"] = read
    return found


def title_of(container: Container) -> str:
    return f"{container.workload.resource.title} {container.path.rstrip('.')}"


def _is_read_only(volume: Mapping[str, Any]) -> bool:
    """Whether the kind of volume is never written: what the API server fills."""
    return any(kind in volume for kind in ("configMap", "secret", "downwardAPI", "projected", "image"))
