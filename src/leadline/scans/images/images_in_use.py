"""Which images the objects of manifests or of a cluster run, each with the containers that run it."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from leadline.kube.workload import images_in
from leadline.model.images_report import ImageUse
from leadline.model.report import Target
from leadline.model.resource import Resource
from leadline.model.unread import Unread
from leadline.model.waiver import Waiver
from leadline.packages.reference import Reference, read_reference
from leadline.scans.options import PostureOptions
from leadline.scans.posture.cluster_source import shown_by
from leadline.scans.posture.exposed_objects import KINDS as EXPOSING
from leadline.scans.posture.exposed_objects import exposed_objects
from leadline.scans.posture.read_targets import read
from leadline.scans.waivers.waiving import labels_of_namespaces, subject_of, waivers_of_objects
from leadline.sources.cluster.connection import connect
from leadline.sources.cluster.rbac import ANY_WORKLOAD
from leadline.sources.cluster.reader import read_cluster
from leadline.sources.waivers.security_exceptions import KINDS
from leadline.waivers.match import Subject

_STATUSES = ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses")
_PULLABLE = "docker-pullable://"


class ImagesInUse(Struct, frozen=True):
    """What a target runs."""

    target: Target
    images: Mapping[str, tuple[ImageUse, ...]]
    """By the name that leads to the image, in the order of objects. What can be not a name of an image is among them."""
    objects: int = 0
    unread: tuple[Unread, ...] = ()
    left_out: tuple[Unread, ...] = ()
    waivers: tuple[Waiver, ...] = ()
    """Those that build on the objects, or are objects themselves."""
    subjects: Mapping[str, Subject] = {}
    """By id, what waivers ask of the objects that run images."""
    namespaces: Mapping[str, Mapping[str, str]] = {}
    """The labels of each namespace that is known."""


def images_of_manifests(targets: Sequence[str], options: PostureOptions) -> ImagesInUse:
    """The images of files, folders, charts and kustomizations, or of a git address.

    Raises: as ``read``.
    """
    with read(targets, options, ()) as reading:
        found = ImagesInUse(
            reading.target,
            _uses(reading.resources, is_whole=False),
            len(reading.resources),
            reading.unread,
            (*options.left_out, *reading.left_out),
        )
        return _with_waivers(found, reading.resources, options)


def images_of_cluster(options: PostureOptions) -> ImagesInUse:
    """The images of a cluster's workloads; where pods run them, by the digest that they run.

    Raises: ``ClusterError`` without a cluster, or where nothing of it can be read.
    """
    options.say("reading the cluster")
    running = _Running()
    cluster = connect(options.kube_context, options.kubeconfig, environ=options.environ)
    try:
        snapshot = read_cluster(
            cluster,
            {ANY_WORKLOAD, "Namespace", *EXPOSING, *(KINDS if options.use_target_waivers else ())},
            options.include_namespaces,
            options.exclude_namespaces,
            shown_by(options),
            observe=running.observe,
        )
    finally:
        cluster.close()
    uses: dict[str, tuple[ImageUse, ...]] = {}
    for name, users in _uses(snapshot.resources, is_whole=True).items():
        for one in running.names(name):
            uses[one] = tuple(dict.fromkeys((*uses.get(one, ()), *users)))
    target = Target("cluster", snapshot.context, server_version=snapshot.server_version)
    objects = len({use.resource for users in uses.values() for use in users})
    found = ImagesInUse(target, uses, objects, snapshot.unread)
    return _with_waivers(found, snapshot.resources, options)


def _with_waivers(found: ImagesInUse, resources: Sequence[Resource], options: PostureOptions) -> ImagesInUse:
    users = {use.resource for uses in found.images.values() for use in uses}
    cluster = found.target.name if found.target.kind == "cluster" else ""
    subjects = {one.id: subject_of(one, cluster) for one in resources if one.id in users}
    waivers, unread = waivers_of_objects(resources) if options.use_target_waivers else ((), ())
    return replace(
        found,
        waivers=waivers,
        subjects=subjects,
        namespaces=labels_of_namespaces(resources),
        unread=(*found.unread, *unread),
    )


def _uses(resources: Sequence[Resource], *, is_whole: bool) -> dict[str, tuple[ImageUse, ...]]:
    exposed = exposed_objects(resources, is_whole=is_whole)
    uses: dict[str, list[ImageUse]] = {}
    for resource in resources:
        for container, image in images_in(resource.api_version, resource.kind, resource.body):
            uses.setdefault(image, []).append(
                ImageUse(resource.id, resource.title, container, exposed.get(resource.id, ()))
            )
    return {image: tuple(dict.fromkeys(users)) for image, users in uses.items()}


class _Running:
    """Which digests pods run under a name. A tag may have moved since, and differ from node to node."""

    def __init__(self) -> None:
        self._digests: dict[str, dict[str, None]] = {}

    def observe(self, key: str, body: Mapping[str, Any]) -> None:
        if key != "Pod":
            return
        spec, status = body.get("spec"), body.get("status")
        if not isinstance(spec, dict) or not isinstance(status, dict):
            return
        named = {
            container.get("name"): container.get("image")
            for name in ("containers", "initContainers", "ephemeralContainers")
            for container in _mappings(spec.get(name))
            if isinstance(container.get("name"), str)
        }
        for one in (one for name in _STATUSES for one in _mappings(status.get(name))):
            written = named.get(one["name"]) if isinstance(one.get("name"), str) else None
            running = _reference(one.get("imageID"))
            if isinstance(written, str) and running is not None and running.digest:
                self._digests.setdefault(written, {})[running.digest] = None

    def names(self, written: str) -> tuple[str, ...]:
        """``written`` with each digest that runs under it; ``written`` itself where none is known."""
        reference = read_reference(written)
        digests = self._digests.get(written)
        if reference is None or reference.digest or not digests:
            return (written,)
        return tuple(f"{written}@{digest}" for digest in digests)


def _reference(image_id: Any) -> Reference | None:
    return read_reference(image_id.removeprefix(_PULLABLE)) if isinstance(image_id, str) else None


def _mappings(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
