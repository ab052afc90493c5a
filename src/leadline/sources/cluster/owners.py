"""Which objects are judged at their owner: the ReplicaSet of a Deployment, the Pod of a Job.

Anyone who may create a Pod may also name an owner in it. So an object is left to its owner only where the owner
was read itself and the object asks for nothing dangerous that the owner does not ask for. Sidecars that admission
adds make such a difference too; of the objects that one owner made alike, one is kept.
"""

import threading
from collections.abc import Mapping
from typing import Any

from leadline.kube.kinds import HANDS_POD_ON
from leadline.kube.workload import CONTAINER_LISTS, descend, pod_paths
from leadline.sources.cluster.responses import mapping, mappings, text

_HOST_FIELDS = ("hostNetwork", "hostPID", "hostIPC")


class Ownership:
    """Fed with owners before what they own. Safe to use from several threads."""

    def __init__(self) -> None:
        self._dangers: dict[str, frozenset[str]] = {}
        self._kept: set[tuple[str, frozenset[str]]] = set()
        self._lock = threading.Lock()
        self.left_out = 0

    def is_judged_at_owner(self, key: str, body: dict[str, Any]) -> bool:
        """Whether ``body``, of the kind ``key``, is left out."""
        if key not in HANDS_POD_ON:
            return False
        metadata = mapping(body.get("metadata"))
        uid = text(metadata.get("uid"))
        dangers = _dangers_of(body)
        with self._lock:
            owner = _controller_uid(metadata)
            is_left_out = owner in self._dangers and not self._exceeds(owner, dangers, body)
            if uid:
                self._dangers.setdefault(uid, dangers)
            self.left_out += is_left_out
        return is_left_out

    def _exceeds(self, owner: str, dangers: frozenset[str], body: Mapping[str, Any]) -> bool:
        if dangers <= self._dangers[owner] or mapping(body.get("spec")).get("replicas") == 0:
            return False
        if (owner, dangers) in self._kept:
            return False
        self._kept.add((owner, dangers))
        return True


def _controller_uid(metadata: Mapping[str, Any]) -> str:
    """The uid of the owner that manages the object; empty where there is none."""
    for owner in mappings(metadata.get("ownerReferences")):
        if owner.get("controller") is True:
            return text(owner.get("uid"))
    return ""


def _dangers_of(body: dict[str, Any]) -> frozenset[str]:
    """What the object's pods ask of their node."""
    found: set[str] = set()
    for path in pod_paths(text(body.get("apiVersion")), text(body.get("kind")), body):
        found |= _dangers_in(descend(body, (*path, "spec")))
    return frozenset(found)


def _dangers_in(spec: Mapping[str, Any]) -> set[str]:
    found = {field for field in _HOST_FIELDS if spec.get(field) is True}
    found.add(f"account {text(spec.get('serviceAccountName')) or 'default'}")
    if _is_host_process(spec):
        found.add("hostProcess")
    for volume in mappings(spec.get("volumes")):
        if "hostPath" in volume:
            found.add(f"hostPath {text(mapping(volume['hostPath']).get('path'))}")
    for name in CONTAINER_LISTS:
        for container in mappings(spec.get(name)):
            security = mapping(container.get("securityContext"))
            found.add(f"image {text(container.get('image'))}")
            found |= {
                f"host port {port['hostPort']}"
                for port in mappings(container.get("ports"))
                if port.get("hostPort")
            }
            if security.get("procMount") not in (None, "Default"):
                found.add("procMount")
            if _is_host_process(container):
                found.add("hostProcess")
            if security.get("privileged") is True:
                found.add("privileged")
            added = mapping(security.get("capabilities")).get("add")
            found.update(f"capability {text(one)}" for one in (added if isinstance(added, list) else ()))
    return found


def _is_host_process(part: Mapping[str, Any]) -> bool:
    """Of a pod's or a container's ``spec``: whether it runs as a process of its Windows node."""
    security = mapping(part.get("securityContext"))
    return mapping(security.get("windowsOptions")).get("hostProcess") is True
