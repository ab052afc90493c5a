"""Which images the cluster runs, out of what its one watch shows: of each pod a few words, and never its whole."""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from leadline.api.kinds.scans import NamedSource
from leadline.kube.kinds import HANDS_POD_ON
from leadline.model.resource import CLUSTER, Resource
from leadline.model.resource_id import object_id
from leadline.model.waiver import Waiver
from leadline.packages.reference import Reference, read_reference
from leadline.programs.operator.watch import Owner, Running
from leadline.programs.operator.work_state import ImageOfCluster
from leadline.scans.stored.image_results import RunningContainer
from leadline.scans.waivers.waiving import subject_of
from leadline.sources.cluster.watch import Key
from leadline.sources.waivers.marks import annotated
from leadline.waivers.apply import why_unusable
from leadline.waivers.match import Subject

MOST_SOURCES = 8
"""Names of one image, each of which a registry may be asked for."""
MOST_SECRETS = 20
"""Of one source. Pods of many namespaces may bring one each for the same registry."""
_ENDED = ("Succeeded", "Failed")
_NO_OWNER = ("Node",)
"""Owns the pods of its static manifests, and runs none of its own."""
_NO_PODS = ("Deployment", "CronJob")
"""They own what owns pods, and no pod: Kubernetes takes such a name away from none that has it, so it says nothing."""
_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""An annotation as large as the object, about which no one asks."""
MOST_UNKNOWN = 10_000
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


class _Known(Struct, frozen=True):
    """An object that nothing made, as far as those ask who accept findings on it."""

    subject: Subject
    waivers: tuple[Waiver, ...]
    """Those on it."""


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
    subjects: Mapping[str, tuple[Subject, ...]] = {}
    """The objects that run images, by ``title_of`` their containers; of one title those in several API groups."""
    waivers: tuple[Waiver, ...] = ()
    """Those on these objects, in an order that is always the same."""


def title_of(container: RunningContainer) -> str:
    """Of the object that it belongs to."""
    return f"{container.namespace}/{container.kind}/{container.workload}"


class UsedImages:
    """Kept up by ``take``."""

    def __init__(self, cluster: str = "") -> None:
        self._cluster = cluster
        self._pods: dict[Key, _Pod] = {}
        self._known: dict[Key, tuple[str, _Known]] = {}
        self._known_of: dict[str, _Known] = {}
        """By uid."""
        self._unknown: dict[str, Subject] = {}
        """Owners of which only a pod speaks, by uid."""
        self._owners: dict[Key, tuple[str, Owner]] = {}
        self._owner_of: dict[str, Owner] = {}
        """By the uid of what is owned."""

    def take(self, changes: Mapping[Key, Running | None]) -> None:
        """What became of pods, and of what makes them; ``None`` for what is gone."""
        for key, one in changes.items():
            self._note(key, one)
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
        subjects: dict[str, dict[str, Subject]] = {}
        waivers: dict[str, tuple[Waiver, ...]] = {}
        for pod in sorted(self._pods.values(), key=lambda pod: (pod.created, pod.uid)):
            owner = self._workload(pod)
            title = f"{pod.namespace}/{owner.kind}/{owner.name}"
            known = self._known_of.get(owner.uid)
            subjects.setdefault(title, {})[owner.uid] = (
                known.subject if known else self._unknown_owner(owner, pod.namespace)
            )
            if known and known.waivers:
                waivers[known.subject.id] = known.waivers
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
        return InUse(
            {digest: _image(digest, one) for digest, one in found.items()},
            containers,
            {title: tuple(ones.values()) for title, ones in subjects.items()},
            tuple(one for id in sorted(waivers) for one in waivers[id]),
        )

    def _note(self, key: Key, one: Running | None) -> None:
        uid, before = self._known.pop(key, ("", None))
        self._known_of.pop(uid, None)
        if one is None or (one.owner is not None and one.owner.kind not in _NO_OWNER):
            return
        known = _known(one, self._cluster)
        # Most changes are none of what is asked here, and what is worked out of the one before is.
        known = before if before == known else known
        self._known[key] = (one.uid, known)
        self._known_of[one.uid] = known

    def _unknown_owner(self, owner: Owner, namespace: str) -> Subject:
        if owner.uid not in self._unknown:
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.clear()
            id = object_id(owner.api_version, namespace, owner.kind, owner.name)
            group = owner.api_version.rpartition("/")[0]
            self._unknown[owner.uid] = Subject(
                kind=owner.kind,
                group=group,
                name=owner.name,
                namespace=namespace,
                id=id,
                cluster=self._cluster,
            )
        return self._unknown[owner.uid]

    def _workload(self, pod: _Pod) -> Owner:
        """Anyone who may create a pod may name an owner in it: one that is not true says nothing."""
        itself, owner = Owner("v1", "Pod", pod.name, pod.uid), pod.owner
        if owner is None or owner.kind in _NO_OWNER or owner.kind in _NO_PODS:
            return itself
        for _ in range(_HIGHEST):
            if self._is_of_another(owner, pod.namespace):
                return itself
            above = self._owner_of.get(owner.uid)
            if above is None:
                break
            owner = above
        return owner

    def _is_of_another(self, owner: Owner, namespace: str) -> bool:
        """Whether the name is that of an object that is there and is not this one."""
        # Results are called by kind and name alone, so that a made-up group does not make it another's.
        keys = {key for key in HANDS_POD_ON if key.partition(".")[0] == owner.kind}
        held = [
            found
            for key in keys
            for table in (self._known, self._owners)
            if (found := table.get((key, namespace, owner.name))) is not None
        ]
        return bool(held) and all(uid != owner.uid for uid, _ in held)


def _known(one: Running, cluster: str) -> _Known:
    _, namespace, name = one.key
    metadata = {
        "name": name,
        "namespace": namespace,
        "labels": dict(one.labels),
        "annotations": {key: value for key, value in one.annotations.items() if key != _APPLIED},
    }
    resource = Resource(one.api_version, one.kind, namespace, name, {"metadata": metadata}, CLUSTER)
    containers = tuple(container for container, _ in one.images if container)
    waivers = (waiver for waiver in annotated(resource) if not why_unusable(waiver))
    return _Known(replace(subject_of(resource, cluster), containers=containers), tuple(waivers))


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
