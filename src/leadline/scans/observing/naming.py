"""Gives containers their names: from the container runtime of the node, and workloads from the pods of the cluster.

The names come later than the first event, those of the runtime and those of the pod each in their own time.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, json
from msgspec.structs import replace

from leadline.errors import LeadlineError
from leadline.model.container import Container
from leadline.sources.cri.runtimes import runtimes

MOST_NAMES = 8_192
"""Containers whose names are remembered, and pods: those that ended as well, for their last events."""
_HASH = "pod-template-hash"
_REVISIONS = (_HASH, "controller-revision-hash")
"""Labels by which controllers distinguish the revisions of a workload."""
Pods = Mapping[str, "PodNames"]
"""By the pod's uid."""


class PodNames(Struct, frozen=True):
    name: str
    namespace: str
    workload_kind: str
    workload: str
    images: Mapping[str, str]
    """As the pod asks for them, by container."""
    labels: tuple[tuple[str, str], ...] = ()
    mounts: Mapping[str, tuple[str, ...]] = {}
    """Folders that are volumes, by container."""
    revision: str = ""


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
        containers = [one for inner in lists for one in inner]
        images = {str(one.get("name")): str(one.get("image", "")) for one in containers}
        mounts = {str(one.get("name")): _mounts(one) for one in containers}
        namespace = str(metadata.get("namespace", ""))
        labels = tuple((str(key), str(value)) for key, value in (metadata.get("labels") or {}).items())
        known = dict(labels)
        revision = next((known[one] for one in _REVISIONS if known.get(one)), "") or _hash_of(spec)
        called = str(metadata.get("name", ""))
        names = PodNames(called, namespace, kind, name, images, labels, mounts, revision)
        found[uid] = names
        found[str(metadata.get("uid", ""))] = names
    return found


def _mounts(container: Mapping[str, Any]) -> tuple[str, ...]:
    """Tokens and settings that the kubelet writes hold no programs."""
    paths = (str(one.get("mountPath", "")).rstrip("/") for one in container.get("volumeMounts") or ())
    return tuple(path for path in paths if path and not path.startswith("/var/run/secrets/"))


def _hash_of(spec: dict[str, Any]) -> str:
    """What the containers of a pod run, of those whose controllers say nothing: runs of the same job have the same."""
    fields = ("name", "image", "command", "args", "securityContext")
    lists = (spec.get(field) or () for field in ("initContainers", "containers"))
    content = json.encode([[one.get(field) for field in fields] for inner in lists for one in inner])
    return hashlib.sha256(content).hexdigest()[:10]


class Naming:
    """``socket``: that of the runtime; ``auto`` for all that are there, ``none`` for no runtime."""

    def __init__(self, socket: str = "auto", *, has_cluster: bool = False) -> None:
        self._runtimes = runtimes(socket)
        self._has_cluster = has_cluster
        self._answers: OrderedDict[str, Container] = OrderedDict()
        """What the runtimes said, by container; the container itself where they have none."""
        self._pods: OrderedDict[str, PodNames] = OrderedDict()
        self.wanted: dict[str, Container] = {}
        """Containers that the runtimes were not asked about yet, or did not answer for."""
        self.failures = 0
        """Questions that a runtime did not answer."""
        self.why = ""
        """Why the last one was not answered; empty where it was."""

    def __call__(self, container: Container) -> tuple[Container, bool]:
        """What is known by now, and whether that is all there will be."""
        answer = self._answers.get(container.id)
        has_answered = answer is not None or not self._runtimes
        if not has_answered and len(self.wanted) < MOST_NAMES:
            self.wanted[container.id] = container
        found = answer or container
        pod = self._pods.get(found.pod_uid) if found.pod_uid else None
        if pod is not None:
            found = replace(
                found,
                pod=pod.name,
                namespace=pod.namespace,
                workload_kind=pod.workload_kind,
                workload=pod.workload,
                labels=pod.labels,
                mounts=pod.mounts.get(found.name, ()),
                revision=pod.revision,
                image=pod.images.get(found.name) or found.image,
            )
        return found, has_answered and (pod is not None or not self._has_cluster or not found.pod_uid)

    def take_pods(self, pods: Pods) -> None:
        """Adds what the cluster says of some pods. Those that are gone stay: their last events are still to come."""
        for uid, names in pods.items():
            self._pods[uid] = names
            self._pods.move_to_end(uid)
        while len(self._pods) > MOST_NAMES:
            self._pods.popitem(last=False)

    def ask(self, wanted: Mapping[str, Container]) -> dict[str, Container]:
        """What the runtimes say of each, up to the first question that one does not answer; blocks. Changes no names."""
        found: dict[str, Container] = {}
        for id, container in wanted.items():
            try:
                answers = (runtime.container(id) for runtime in self._runtimes)
                answer = next((one for one in answers if one is not None), None)
            except LeadlineError as error:
                self.failures += 1
                self.why = str(error.args[0])
                break
            self.why = ""
            found[id] = (
                container if answer is None else replace(answer, pod_uid=answer.pod_uid or container.pod_uid)
            )
        return found

    def take(self, found: Mapping[str, Container]) -> None:
        for id, container in found.items():
            self._answers[id] = container
            self.wanted.pop(id, None)
        while len(self._answers) > MOST_NAMES:
            self._answers.popitem(last=False)
