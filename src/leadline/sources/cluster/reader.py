"""Reads a live cluster: every object of the wanted kinds, once, and an account of what could not be read.

Bodies are raw JSON. The caller turns the garbage collector off while reading: parsing makes millions of
objects and no cycles.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from msgspec import Struct

from leadline.errors import ClusterError
from leadline.kube.kinds import (
    ADDED_WORKLOADS,
    GROUP_ALIASES,
    WORKLOADS,
    canonical_key,
    split_key,
)
from leadline.model.resource import Origin, Resource, resource_of
from leadline.model.unread import Unread
from leadline.sources.cluster.connection import Cluster, LostError, RefusedError
from leadline.sources.cluster.crd_schemas import custom_workloads
from leadline.sources.cluster.discovery import (
    THREADS,
    ApiKind,
    Served,
    assumed_kinds,
    discover_kinds,
    resolve_kind,
)
from leadline.sources.cluster.listing import Lister, Listing, OnProgress, Progress, Scope
from leadline.sources.cluster.owners import Ownership
from leadline.sources.cluster.rbac import ANY_WORKLOAD, missing_rule
from leadline.sources.cluster.trim import SharedParts, trim
from leadline.untyped import mapping, text

Observe = Callable[[str, Mapping[str, Any]], None]
"""Is shown the key of a kind and an object of it; one call at a time."""

_RANKS: Mapping[str, int] = {
    "Service.serving.knative.dev": -3,
    "Configuration.serving.knative.dev": -2,
    "Revision.serving.knative.dev": -1,
    "ReplicaSet.apps": 1,
    "ControllerRevision.apps": 1,
    "ReplicationController": 1,
    "Job.batch": 1,
    "Pod": 2,
}
"""Owners are listed before what they own, so that owned objects need not be held; 0 for all others."""


class ClusterSnapshot(Struct, frozen=True):
    """What was read. Objects that a listed owner made are judged at that owner and left out."""

    resources: tuple[Resource, ...]
    """By kind, within a kind in the server's order."""
    unread: tuple[Unread, ...]
    unread_kinds: frozenset[str]
    """Keys of the wanted kinds that were not read to the end."""
    context: str
    server_version: str
    cloud: str
    """``EKS``, ``AKS``, ``GKE`` or empty."""
    objects: int
    """Objects that the server sent."""
    owned: int
    """Of these, the ones left out for their owner."""
    listed: Mapping[str, int]
    """Objects sent, by key of the kind."""


def read_cluster(
    cluster: Cluster,
    kinds: Iterable[str],
    include_namespaces: Sequence[str] = (),
    exclude_namespaces: Sequence[str] = (),
    progress: OnProgress | None = None,
    *,
    observe: Observe | None = None,
) -> ClusterSnapshot:
    """Every object of ``kinds`` (``Kind``, ``Kind.group`` or ``ANY_WORKLOAD``) that the user may list.

    ``observe`` is shown each object as the server sent it, also those that are judged at their owner.

    Raises:
        ClusterError: nothing at all could be read.
    """
    scope = Scope(tuple(include_namespaces), tuple(exclude_namespaces))
    with _named_when_lost(cluster):
        return Reading(cluster, scope, progress, observe).of(set(kinds))


def get_workload(cluster: Cluster, namespace: str, kind: str, name: str) -> Resource:
    """One object, by ``get`` alone; ``kind`` as a person writes it: ``Deployment``, ``deploy``, ``rollouts.argoproj.io``.

    Raises:
        ClusterError: no such kind or object, or it may not be read.
    """
    with _named_when_lost(cluster):
        return _workload(cluster, namespace, kind, name)


@contextmanager
def _named_when_lost(cluster: Cluster) -> Iterator[None]:
    """Says which cluster it was, where nothing can be said without an answer."""
    try:
        yield
    except LostError as lost:
        why = f"lost the cluster of {cluster.title} at {cluster.server}: {lost.args[0]}"
        raise ClusterError(why) from lost


def _workload(cluster: Cluster, namespace: str, kind: str, name: str) -> Resource:
    try:
        served = discover_kinds(cluster)
    except RefusedError:
        served = assumed_kinds()
    found = resolve_kind(served, kind)
    if found is None:
        raise ClusterError(f"the cluster of {cluster.title} serves no kind {kind}")
    if not all(c.isalnum() or c in "-.:_" for c in namespace + name) or not name:
        raise ClusterError(f"no object can have the name {namespace}/{name}")
    title = f"{namespace}/{found.kind}/{name}" if found.is_namespaced else f"{found.kind}/{name}"
    try:
        body = cluster.ask(found.path(namespace or cluster.namespace, name))
    except RefusedError as refused:
        if refused.status == 404:
            raise ClusterError(f"{title} is not in the cluster of {cluster.title}") from refused
        hint = missing_rule(found, "get", name) if refused.status == 403 else ""
        raise ClusterError(f"cannot read {title}: {refused.args[0]}", hint=hint) from refused
    if not isinstance(body, dict) or not isinstance(body.get("metadata"), dict):
        raise ClusterError(f"cannot read {title}: the answer is not an object")
    body["apiVersion"], body["kind"] = found.api_version, found.kind
    trim(body, SharedParts())
    return resource_of(body, Origin(kind="cluster", cluster=cluster.context))


class Reading:
    """One pass over a cluster, and what a watch continues with."""

    def __init__(
        self,
        cluster: Cluster,
        scope: Scope,
        progress: OnProgress | None,
        observe: Observe | None = None,
    ) -> None:
        self._observe = observe
        self.cluster = cluster
        self.scope = scope
        self.listings: Sequence[Listing] = ()
        self._progress = progress
        self._lock = threading.Lock()
        self._parts = SharedParts()
        self.ownership = Ownership()
        self._unread: list[Unread] = []
        self._unread_kinds: set[str] = set()
        self._absent: frozenset[str] = frozenset()
        """Wanted kinds that the cluster did not serve."""

    def of(self, wanted: set[str]) -> ClusterSnapshot:
        chosen = self._choose(wanted)
        self._check_namespaces()
        listings = self.listings = self._list(chosen)
        read = [listing for listing in listings if listing.read or not listing.unread]
        if listings and not read:
            first = listings[0].unread[0]
            raise ClusterError(
                f"nothing can be read in the cluster of {self.cluster.title}: {first.where}: {first.why}",
                hint=first.hint,
            )
        for listing in listings:
            self._unread += listing.unread
            if listing.unread:
                self._unread_kinds.add(listing.kind.key)
        origin = Origin(kind="cluster", cluster=self.cluster.context)
        resources = tuple(resource_of(body, origin) for body in _each_once(listings))
        return ClusterSnapshot(
            resources,
            tuple(self._unread),
            frozenset(self._unread_kinds),
            self.cluster.context,
            self.cluster.server_version,
            cloud_of(self.cluster, resources),
            sum(listing.read for listing in listings),
            self.ownership.left_out,
            {listing.kind.key: listing.read for listing in listings},
        )

    def _choose(self, wanted: set[str]) -> list[ApiKind]:
        """The kinds to list, sorted by key. A wanted kind that the cluster does not serve has no objects."""
        try:
            served = discover_kinds(self.cluster)
        except RefusedError as refused:
            self._unread.append(
                Unread("API discovery", f"{refused.args[0]}; custom kinds are not known", "forbidden")
            )
            served = assumed_kinds()
        keys = {canonical_key(key) for key in wanted if key != ANY_WORKLOAD}
        if ANY_WORKLOAD in wanted:
            custom, unread = custom_workloads(self.cluster, served.kinds.values())
            self._unread += unread
            keys |= {*WORKLOADS, *ADDED_WORKLOADS, *custom}
        for group, why in served.broken_groups.items():
            touched = {key for key in keys if split_key(key)[1] == group and key not in served.kinds}
            if touched or ANY_WORKLOAD in wanted:
                self._unread.append(Unread(f"API group {group}", why, "unreachable"))
                self._unread_kinds |= touched
        chosen = [kind for key in sorted(keys) if (kind := _served_kind(served, key)) is not None]
        self._absent = frozenset(key for key in keys if _served_kind(served, key) is None)
        return chosen

    def served_since(self) -> tuple[str, ...]:
        """Wanted kinds that the cluster did not serve when it was read, and serves now. Raises: ``ClusterError``."""
        if not self._absent:
            return ()
        served = discover_kinds(self.cluster)
        return tuple(sorted(key for key in self._absent if _served_kind(served, key) is not None))

    def _check_namespaces(self) -> None:
        for name in self.scope.included:
            try:
                self.cluster.ask(f"/api/v1/namespaces/{name}")
            except RefusedError as refused:
                if refused.status == 404:
                    self._unread.append(Unread(f"namespace {name}", "namespace not found", "missing"))

    def _list(self, chosen: Sequence[ApiKind]) -> list[Listing]:
        """In the order of ``chosen``; owners are done before the kinds that they own begin."""
        done: dict[str, Listing] = {}
        with ThreadPoolExecutor(THREADS) as pool, ExitStack() as undone:
            # Before the pool waits for the threads that are still listing.
            undone.callback(self.cluster.stopped.set)
            for rank in sorted(set(map(rank_of, chosen))):
                stage = [kind for kind in chosen if rank_of(kind) == rank]
                for listing in pool.map(self._list_one, stage):
                    done[listing.kind.key] = listing
            undone.pop_all()
        return [done[kind.key] for kind in chosen]

    def _list_one(self, kind: ApiKind) -> Listing:
        return Lister(self.cluster, self.scope, self.report).all_of(kind, partial(self.keeps, kind))

    def keeps(self, kind: ApiKind, body: dict[str, Any]) -> bool:
        """Cuts an object down in place and says whether it is judged by itself."""
        if self._observe is not None:
            with self._lock:
                self._observe(kind.key, body)
        if self.ownership.is_judged_at_owner(kind.key, body):
            return False
        if kind.key == "Namespace" and not self.scope.covers(text(mapping(body.get("metadata")).get("name"))):
            return False
        trim(body, self._parts)
        return True

    def report(self, progress: Progress) -> None:
        if self._progress is not None:
            with self._lock:
                self._progress(progress)


def rank_of(kind: ApiKind) -> int:
    """Owners have a lower one than what they own."""
    return _RANKS.get(kind.key, 0)


def _each_once(listings: Iterable[Listing]) -> Iterator[dict[str, Any]]:
    """The objects in order; one that is served under several groups is taken from the first."""
    seen: set[str] = set()
    for listing in listings:
        for body in listing.items:
            uid = text(mapping(body.get("metadata")).get("uid"))
            if not uid or uid not in seen:
                yield body
                seen.add(uid)


def _served_kind(served: Served, key: str) -> ApiKind | None:
    """The kind as served, also under the group it had on older servers."""
    names = [key, *(old for old, new in GROUP_ALIASES.items() if new == key)]
    return next((kind for name in names if (kind := served.kinds.get(name)) and kind.can_list), None)


def cloud_of(cluster: Cluster, resources: Iterable[Resource]) -> str:
    """The managed service that runs the cluster, known by its version, its address or its nodes."""
    version, server = cluster.server_version, cluster.server.lower()
    if "-eks-" in version or ".eks.amazonaws.com" in server:
        return "EKS"
    if "-gke." in version:
        return "GKE"
    if ".azmk8s.io" in server:
        return "AKS"
    for node in resources:
        if node.kind == "Node":
            labels = mapping(mapping(node.body.get("metadata")).get("labels"))
            for label, cloud in _CLOUD_LABELS.items():
                if label in labels:
                    return cloud
    return ""


_CLOUD_LABELS = {
    "eks.amazonaws.com/nodegroup": "EKS",
    "eks.amazonaws.com/compute-type": "EKS",
    "cloud.google.com/gke-nodepool": "GKE",
    "kubernetes.azure.com/cluster": "AKS",
}
