"""Which images the cluster runs, out of what its one watch shows: of each pod a few words, and never its whole."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct

from leadline.image.identity.reference import Reference, read_reference
from leadline.outputs.store.image_results import RunningContainer
from leadline.programs.operator.watch import Owner, Running
from leadline.programs.operator.work_state import ImageOfCluster, NamedSource
from leadline.sources.cluster.watch import Key

MOST_SOURCES = 8
"""Names of one image, each of which a registry may be asked for."""
MOST_SECRETS = 20
"""Of one source. Pods of many namespaces may bring one each for the same registry."""
_ENDED = ("Succeeded", "Failed")
_NO_OWNER = ("Node",)
"""Owns the pods of its static manifests, and runs none of its own."""
_HIGHEST = 6
"""Owners above one another: a pod of Knative has five."""
_SCHEME = re.compile(r"^[a-z-]+://")
"""``docker-pullable://``, of nodes that run Docker."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")
_BARE = re.compile(r"[0-9a-f]{64}")


class UsedContainer(Struct, frozen=True):
    name: str
    written: str
    """The image as the pod names it."""
    pulled: str
    """The name that the node has it by, ``registry/repository@digest``; empty where it was never pulled."""
    digest: str
    """Of what was pulled; the image's id where it was brought to the node some other way."""


class _Pod(Struct, frozen=True):
    uid: str
    namespace: str
    name: str
    created: str
    node: str
    owner: Owner | None
    secrets: tuple[str, ...]
    """``namespace/name``."""
    containers: tuple[UsedContainer, ...]


class InUse(Struct, frozen=True):
    images: Mapping[str, ImageOfCluster]
    """By digest."""
    containers: Mapping[RunningContainer, str]
    """The digest that each runs; of several, as in a rollout, that of the newest pod."""


class UsedImages:
    """Kept up by ``take``."""

    def __init__(self) -> None:
        self._pods: dict[Key, _Pod] = {}
        self._owners: dict[Key, tuple[str, Owner]] = {}
        self._owner_of: dict[str, Owner] = {}
        """By the uid of what is owned."""

    def take(self, changes: Mapping[Key, Running | None]) -> None:
        """What became of pods, and of what makes them; ``None`` for what is gone."""
        for key, one in changes.items():
            if key[0] == "Pod":
                pod = _pod(one) if one is not None else None
                if pod is None or not pod.containers:
                    self._pods.pop(key, None)
                else:
                    self._pods[key] = pod
                continue
            if key in self._owners:
                self._owner_of.pop(self._owners.pop(key)[0], None)
            if one is not None and one.owner is not None:
                self._owners[key] = (one.uid, one.owner)
                self._owner_of[one.uid] = one.owner

    def now(self, exposed: Mapping[str, tuple[str, ...]]) -> InUse:
        """``exposed``: what leads to a workload from outside, by ``namespace/Kind/name``."""
        found: dict[str, _Found] = {}
        containers: dict[RunningContainer, str] = {}
        for pod in sorted(self._pods.values(), key=lambda pod: (pod.created, pod.uid)):
            owner = self._workload(pod)
            title = f"{pod.namespace}/{owner.kind}/{owner.name}"
            for container in pod.containers:
                running = RunningContainer(owner.kind, owner.name, pod.namespace, container.name)
                containers[running] = container.digest
                one = found.setdefault(container.digest, _Found())
                one.workloads[f"{title}: {container.name}"] = None
                one.nodes[pod.node] = None
                one.exposed_by |= dict.fromkeys(exposed.get(title, ()))
                one.is_id = one.is_id and not container.pulled
                for name in _names(container):
                    one.sources.setdefault(name, {}).update(dict.fromkeys(pod.secrets))
        return InUse({digest: _image(digest, one) for digest, one in found.items()}, containers)

    def _workload(self, pod: _Pod) -> Owner:
        owner = pod.owner
        if owner is None or owner.kind in _NO_OWNER:
            return Owner("v1", "Pod", pod.name, pod.uid)
        for _ in range(_HIGHEST):
            above = self._owner_of.get(owner.uid)
            if above is None:
                break
            owner = above
        return owner


class _Found:
    def __init__(self) -> None:
        self.sources: dict[str, dict[str, None]] = {}
        self.workloads: dict[str, None] = {}
        self.nodes: dict[str, None] = {}
        self.exposed_by: dict[str, None] = {}
        self.is_id = True


def _pod(one: Running) -> _Pod | None:
    """``None`` for one that has ended: it runs nothing."""
    if one.phase in _ENDED:
        return None
    _, namespace, name = one.key
    return _Pod(
        one.uid,
        namespace,
        name,
        one.created,
        one.node,
        one.owner,
        tuple(f"{namespace}/{secret}" for secret in one.pull_secrets if secret),
        tuple(_containers(one)),
    )


def _containers(one: Running) -> Iterator[UsedContainer]:
    """Those that have started: until then the node has not said what it runs."""
    for name, written in one.images:
        pulled = _SCHEME.sub("", one.digests.get(name, ""))
        digest = pulled.rpartition("@")[2]
        if _BARE.fullmatch(digest):
            digest = f"sha256:{digest}"
        if name and _DIGEST.fullmatch(digest):
            yield UsedContainer(name, written, pulled if "@" in pulled else "", digest)


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


def _names(container: UsedContainer) -> Iterator[str]:
    """By what the image can be had: as the pod names it, which its secrets are for, and as the node does."""
    written = None if container.written.startswith("sha256:") else read_reference(container.written)
    if not container.pulled:
        if written is not None:
            yield written.full
        return
    pulled = read_reference(container.pulled)
    is_same = written is not None and pulled is not None and written.name == pulled.name
    for reference in (written, None if is_same else pulled):
        if reference is not None:
            yield Reference(reference.registry, reference.repository, reference.tag, container.digest).full
