"""Finds the id of a container and of its pod in the names of control groups.

Each runtime writes them in its own way, with cgroupfs and with systemd: the kubelet's
``pkg/kubelet/cm/cgroup_manager_linux.go``, and the runtimes' own prefixes.
"""

import re

from msgspec import Struct

_SCOPE = re.compile(
    r"(?:docker|cri-containerd|containerd|crio|libpod|nerdctl|crun)-(?P<id>[0-9A-Za-z_.-]+?)(?:\.scope)?"
)
_POD = re.compile(r"(?:.*-)?pod(?P<uid>[0-9a-f]{8}[-_][0-9a-f_-]{20,40})(?:\.slice)?")
_OF_SYSTEMD = re.compile(r".*\.(?:service|scope|slice|mount|socket|swap|timer)")
_NOT_CONTAINERS = re.compile(r"(?:crio|libpod)-conmon-.*|init|user|system|")
_INNER = ("container", "supervisor", "payload", "init.scope")
"""Control groups that runtimes and systemd make within a container's own."""


class Identity(Struct, frozen=True):
    container_id: str
    pod_uid: str = ""


def identity_of(cgroup: str, parent_cgroup: str) -> Identity | None:
    """``None`` where the process is in no container's control group."""
    name, above = (parent_cgroup, "") if cgroup in _INNER and parent_cgroup else (cgroup, parent_cgroup)
    if _NOT_CONTAINERS.fullmatch(name):
        return None
    scope = _SCOPE.fullmatch(name)
    if scope is None and _OF_SYSTEMD.fullmatch(name):
        return None
    pod = _POD.fullmatch(above)
    if scope is None and _POD.fullmatch(name):
        return None
    # A runtime without a manager calls the group as its user calls the container.
    id = scope["id"] if scope is not None else name
    return Identity(id, pod["uid"].replace("_", "-") if pod is not None else "")
