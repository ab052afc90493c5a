"""Which images the cluster runs, kept up by what one watch of it shows: a pod's few words, and never its whole."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from leadline.image.identity.reference import Reference, read_reference
from leadline.kube.pod_images import Owner, PodContainer, PodImages, owner_of, pod_images, secret_names
from leadline.outputs.store.image_results import RunningContainer
from leadline.programs.operator.work_state import ImageOfCluster, NamedSource

KINDS = ("Pod", "ReplicaSet.apps", "Job.batch", "ServiceAccount")
"""What has to be shown, by key."""
MOST_SOURCES = 8
"""Names of one image, each of which a registry may be asked for."""
MOST_SECRETS = 20
"""Of one source. Pods of many namespaces may bring one each for the same registry."""
_PASSES_ON = ("ReplicaSet.apps", "Job.batch")
_NO_OWNER = ("Node",)
"""Owns the pods of its static manifests, and runs none of its own."""


class Running(Struct, frozen=True):
    images: Mapping[str, ImageOfCluster]
    """By digest."""
    containers: Mapping[RunningContainer, str]
    """The digest that each runs; of several, as in a rollout, that of the newest pod."""


class RunningImages:
    """Shown objects by the threads that watch. Safe to use from several."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pods: dict[str, PodImages] = {}
        self._owners: dict[str, Owner] = {}
        self._accounts: dict[tuple[str, str], tuple[str, ...]] = {}

    def observe(self, key: str, body: Mapping[str, Any], *, is_gone: bool = False) -> bool:
        """Whether it changed what runs. ``body`` as the server sent it."""
        metadata = body.get("metadata")
        if key not in KINDS or not isinstance(metadata, dict):
            return False
        with self._lock:
            if key == "Pod":
                return self._observe_pod(str(metadata.get("uid")), None if is_gone else pod_images(body))
            if key in _PASSES_ON:
                return _put(self._owners, str(metadata.get("uid")), None if is_gone else owner_of(metadata))
            account = (str(metadata.get("namespace")), str(metadata.get("name")))
            names = secret_names(body.get("imagePullSecrets"))
            return _put(self._accounts, account, None if is_gone else names or None)

    def forget(self, key: str) -> None:
        """All of a kind, before it is listed anew."""
        with self._lock:
            if key == "Pod":
                self._pods.clear()

    def now(self, exposed: Mapping[str, tuple[str, ...]]) -> Running:
        """``exposed``: what leads to a workload from outside, by ``namespace/Kind/name``."""
        with self._lock:
            pods = sorted(self._pods.values(), key=lambda pod: (pod.created, pod.uid))
            found: dict[str, _Found] = {}
            containers: dict[RunningContainer, str] = {}
            for pod in pods:
                owner = self._workload(pod)
                title = f"{pod.namespace}/{owner.kind}/{owner.name}"
                secrets = self._secrets(pod)
                for container in pod.containers:
                    running = RunningContainer(owner.kind, owner.name, pod.namespace, container.name)
                    containers[running] = container.digest
                    one = found.setdefault(container.digest, _Found())
                    one.workloads[f"{title}: {container.name}"] = None
                    one.nodes[pod.node] = None
                    one.exposed_by |= dict.fromkeys(exposed.get(title, ()))
                    one.is_id = one.is_id and not container.pulled
                    for name in _names(container):
                        one.sources.setdefault(name, {}).update(secrets)
        images = {digest: _image(digest, one) for digest, one in found.items()}
        return Running(images, containers)

    def _observe_pod(self, uid: str, pod: PodImages | None) -> bool:
        return _put(self._pods, uid, pod if pod and pod.containers else None)

    def _workload(self, pod: PodImages) -> Owner:
        owner = pod.owner
        if owner is None or owner.kind in _NO_OWNER:
            return Owner("Pod", pod.name, pod.uid)
        return self._owners.get(owner.uid, owner)

    def _secrets(self, pod: PodImages) -> dict[str, None]:
        """Those that admission gave the pod, and those that its account has by now."""
        names = (*pod.pull_secrets, *self._accounts.get((pod.namespace, pod.account), ()))
        return {f"{pod.namespace}/{name}": None for name in names}


class _Found:
    def __init__(self) -> None:
        self.sources: dict[str, dict[str, None]] = {}
        self.workloads: dict[str, None] = {}
        self.nodes: dict[str, None] = {}
        self.exposed_by: dict[str, None] = {}
        self.is_id = True


def _image(digest: str, found: _Found) -> ImageOfCluster:
    sources = sorted(found.sources.items())[:MOST_SOURCES]
    return ImageOfCluster(
        digest,
        found.is_id,
        tuple(NamedSource(name, tuple(sorted(secrets)[:MOST_SECRETS])) for name, secrets in sources),
        tuple(sorted(found.workloads)),
        tuple(sorted(found.nodes)),
        tuple(found.exposed_by),
    )


def _names(container: PodContainer) -> Iterator[str]:
    """By what the image can be had: as the pod names it, which its secrets are for, and as the node does."""
    written = None if container.written.startswith("sha256:") else read_reference(container.written)
    if not container.pulled:
        if written is not None:
            yield written.full
        return
    for reference in (written, read_reference(container.pulled)):
        if reference is not None:
            yield Reference(reference.registry, reference.repository, reference.tag, container.digest).full


def _put(there: dict[Any, Any], key: Any, value: Any) -> bool:
    """Whether it changed something; ``None`` takes away."""
    if there.get(key) == value:
        return False
    if value is None:
        del there[key]
    else:
        there[key] = value
    return True
