"""Gives containers their names: from the container runtime of the node, and workloads from the pods of the cluster.

The names come later than the first event: the answer is ``None`` until they are there.
"""

import logging
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.errors import LeadlineError
from leadline.model.container import Container
from leadline.sources.cri.runtime_socket import RuntimeSocket, usual_socket

log = logging.getLogger(__name__)
MOST_NAMES = 8_192
_HASH = "pod-template-hash"
Pods = Mapping[str, "PodNames"]
"""By the pod's uid."""


class PodNames(Struct, frozen=True):
    name: str
    namespace: str
    workload_kind: str
    workload: str
    images: Mapping[str, str]
    """As the pod asks for them, by container."""


def pod_names(pods: list[dict[str, Any]]) -> Pods:
    """Of a list of pods as the API gives them."""
    found = {}
    for pod in pods:
        metadata = pod.get("metadata") or {}
        owners = metadata.get("ownerReferences") or ()
        owner: dict[str, Any] = next((one for one in owners if one.get("controller")), {})
        kind, name = str(owner.get("kind") or "Pod"), str(owner.get("name") or metadata.get("name", ""))
        suffix = f"-{(metadata.get('labels') or {}).get(_HASH, '')}"
        if kind == "ReplicaSet" and suffix != "-" and name.endswith(suffix):
            # A Deployment names its ReplicaSets after itself and the hash.
            kind, name = "Deployment", name.removesuffix(suffix)
        uid = str(
            (metadata.get("annotations") or {}).get("kubernetes.io/config.hash") or metadata.get("uid", "")
        )
        spec = pod.get("spec") or {}
        lists = (spec.get(field) or () for field in ("initContainers", "containers", "ephemeralContainers"))
        images = {str(one.get("name")): str(one.get("image", "")) for inner in lists for one in inner}
        namespace = str(metadata.get("namespace", ""))
        names = PodNames(str(metadata.get("name", "")), namespace, kind, name, images)
        found[uid] = names
        found[str(metadata.get("uid", ""))] = names
    return found


class Naming:
    """``socket``: that of the runtime; ``auto`` for the usual places, ``none`` for no runtime."""

    def __init__(self, socket: str = "auto", *, has_cluster: bool = False) -> None:
        place = usual_socket() if socket == "auto" else None if socket == "none" else Path(socket)
        self._runtime = RuntimeSocket(place) if place is not None else None
        self._has_cluster = has_cluster
        self._known: OrderedDict[str, Container] = OrderedDict()
        self._pods: Pods = {}
        self.wanted: dict[str, Container] = {}
        """Containers that were asked for and are not known yet."""
        self.failures = 0
        """Questions that the runtime did not answer."""

    def __call__(self, container: Container) -> Container | None:
        """What is known by now; ``None`` where more may be known soon."""
        if self._runtime is None and not self._has_cluster:
            return container
        known = self._known.get(container.id)
        if known is None and len(self.wanted) < MOST_NAMES:
            self.wanted[container.id] = container
        return known

    @property
    def lacks_pods(self) -> bool:
        """Whether a pod that is not known has been asked for."""
        asked = (one.pod_uid for one in self.wanted.values())
        return self._has_cluster and any(uid and uid not in self._pods for uid in asked)

    def take_pods(self, pods: Pods) -> None:
        self._pods = pods

    def ask(self, wanted: Mapping[str, Container]) -> dict[str, Container]:
        """What the runtime says of each; blocks for as long as it takes. Changes nothing here."""
        found = {}
        for id, container in wanted.items():
            answer: Container | None = None
            try:
                answer = self._runtime.container(id) if self._runtime is not None else None
            except LeadlineError as error:
                self.failures += 1
                log.debug("%s", error)
            found[id] = (
                container if answer is None else replace(answer, pod_uid=answer.pod_uid or container.pod_uid)
            )
        return found

    def take(self, found: Mapping[str, Container]) -> None:
        for id, container in found.items():
            pod = self._pods.get(container.pod_uid)
            if pod is not None:
                container = replace(
                    container,
                    pod=pod.name,
                    namespace=pod.namespace,
                    workload_kind=pod.workload_kind,
                    workload=pod.workload,
                    image=pod.images.get(container.name) or container.image,
                )
            self._known[id] = container
            self.wanted.pop(id, None)
            if len(self._known) > MOST_NAMES:
                self._known.popitem(last=False)
