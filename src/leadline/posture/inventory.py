"""Joins between the objects of one world. Each rests on indexes that are built on first use and follow every change."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from leadline.kube.network_policy import PolicyRule
from leadline.kube.rbac import (
    MAX_STEPS,
    Bound,
    BuiltInRoles,
    Gathered,
    Grant,
    RoleKey,
    bound,
    gathered,
    role_bound_by,
)
from leadline.kube.role_rules import OwnRules
from leadline.kube.selector import Selector, first_pair
from leadline.model.resource import Origin, Resource
from leadline.posture.apply_unit import (
    DEFAULT_NAMESPACE,
    folder_of,
    looked_for,
    nearest,
    unit_of,
)
from leadline.posture.control_plane import ControlPlaneProcess, process_of
from leadline.posture.index import (
    WITHOUT_NAMESPACE,
    Index,
    Read,
    Store,
    kind_name,
)
from leadline.posture.join_indexes import (
    ACCOUNT_NAMESPACES,
    ACCOUNT_USERS,
    AGGREGATED,
    BINDINGS,
    BOUND_SUBJECTS,
    CLUSTER_ROLES,
    FILES_WITH_BINDINGS,
    LABEL_SETS,
    MEANT_FOR,
    POLICIES,
    POLICIES_IN,
    ROLE_NAMESPACES,
    ROLES,
    SERVICES,
    WORKLOADS_IN,
    SubjectKey,
    by_name,
    has_label,
    in_folder,
    in_space,
)
from leadline.posture.subject import Workload, mapping, text

DEFAULT_ACCOUNT = "default"
T = TypeVar("T")
V = TypeVar("V")


class Facts(Struct, frozen=True):
    """What is known of the target in addition to its objects."""

    is_whole: bool = False
    """Whether the target is a whole cluster."""
    server_version: str = ""
    """The API server's ``v1.36.3``; empty where unknown."""
    cloud: str = ""
    """``EKS``, ``AKS``, ``GKE``, ``none`` for another cluster; empty where unknown, and then every control is asked."""
    assume_complete: bool = False
    """Whether to take what was read for all there is, as in a whole cluster, because the user knows that it is."""
    signatures: Mapping[str, str] | None = None
    """By images as they are written ``trusted``, ``not trusted`` or ``unsigned``; ``None`` where no registry was asked."""


class Inventory:
    """The objects of one world, and how they hang together, as seen from the place of one of them.

    ``kind`` arguments are written ``Kind`` for the core group and ``Kind.group`` for others. A namespace that an
    object does not write is ``default``; among loose manifests it is whatever its folder is applied to, and only
    the objects of that folder are found there.
    """

    def __init__(self, resources: Iterable[Resource], facts: Facts | None = None) -> None:
        self._store = Store(resources)
        self._built_in = BuiltInRoles()
        self._seen: dict[tuple[str, bool], Inventory] = {}
        self._folder = ""
        self._is_written = True
        self._kept: dict[str, dict[int, tuple[Any, set[Read] | None]]] = defaultdict(dict)
        """What was found for each workload; good until the next change."""
        self.facts = facts or Facts()
        self.relied: list[str] = []
        """Ids of the objects that the verdict now worked out rests on, as far as its control says so."""

    def rest_on(self, resource: Resource) -> None:
        """Says that the verdict now worked out, be it good or bad, rests on ``resource`` in addition to its subject."""
        self.relied.append(resource.id)

    def seen_from(self, resource: Resource) -> "Inventory":
        """The same world from the place of ``resource``, be it part of it or not."""
        origin = resource.origin
        if origin.kind != "file" or origin.rendered_from:
            return self
        folder = folder_of(origin)
        is_written = bool(resource.namespace) or kind_name(resource) in WITHOUT_NAMESPACE
        place = (folder, is_written)
        seen = self._seen.get(place)
        if seen is None:
            seen = self._seen[place] = object.__new__(Inventory)
            seen.__dict__.update(self.__dict__)
            seen._folder, seen._is_written = place
        return seen

    @property
    def is_whole(self) -> bool:
        """Whether what was read is all there is: only then does an object that is not here not exist."""
        return self.facts.is_whole or self.facts.assume_complete

    @property
    def server_version(self) -> str:
        return self.facts.server_version

    @property
    def cloud(self) -> str:
        return self.facts.cloud

    def add(self, resource: Resource) -> set[Read]:
        """Puts an object in; names the reads that this makes stale."""
        return self.change((), (resource,))

    def remove(self, resource: Resource) -> set[Read]:
        """Takes out an object, the very one that was put in; names the reads that this makes stale."""
        return self.change((resource,), ())

    def change(self, removed: Iterable[Resource], added: Iterable[Resource]) -> set[Read]:
        """Both at once: what is added with the id of a removed object takes its place in the order."""
        self._kept.clear()
        return self._store.change(removed, added)

    def settle(self, resources: Iterable[Resource]) -> None:
        """Lets go of what was kept for the verdicts about ``resources``, once these have been worked out."""
        self._kept.clear()
        for resource in resources:
            for workload in self._store.workloads_of(resource):
                workload.settle()

    def trace(self, reads: set[Read] | None) -> None:
        """From now on every read is written down in ``reads``; for ``None`` no longer."""
        self._store.trace = reads

    def kinds_behind(self, reads: Iterable[Read]) -> frozenset[str]:
        """The kinds of objects that can change what was read."""
        return self._store.kinds_behind(reads)

    @property
    def resources(self) -> Sequence[Resource]:
        """Every object of the world, in the order of reading."""
        return self._store.resources

    @property
    def workloads(self) -> tuple[Workload, ...]:
        return tuple(workload for one in self._store.resources for workload in self.workloads_of(one))

    def of(self, kind: str) -> Sequence[Resource]:
        """Every object of ``kind``, in the order of reading; among loose manifests every one of the folder."""
        if not self._folder:
            return self._store.of_kind(kind)
        return self._store.find(in_folder(kind), (self._folder,))

    def holds(self, kind: str, namespace: str) -> bool:
        """Whether there is an object of ``kind`` in ``namespace``."""
        return self._store.has(in_space(kind), self.spaces(namespace))

    def get(self, kind: str, namespace: str, name: str) -> Resource | None:
        """One object; ``namespace`` is empty for kinds without one."""
        spaces = ("",) if kind in WITHOUT_NAMESPACE else self.spaces(namespace)
        found = self._store.find(by_name(kind), [(space, name) for space in spaces])
        return self._nearest_of(found, lambda one: one.origin)

    def find(self, index: Index[V], *keys: Hashable) -> list[V]:
        """What is under any of ``keys``, in the order of reading."""
        return self._store.find(index, keys)

    def has(self, index: Index[V], *keys: Hashable) -> bool:
        """Whether anything is under one of ``keys``."""
        return self._store.has(index, keys)

    def once(self, question: str, answer: Callable[[], T]) -> T:
        """``answer()``, worked out on the first call with this ``question`` and kept until what it read changes."""
        return self._store.once((question, self._folder, self._is_written), answer)

    def once_for_all(self, question: Hashable, answer: Callable[[], T]) -> T:
        """As ``once``, for an answer that is the same from every place of the world."""
        return self._store.once(question, answer)

    def spaces(self, namespace: str) -> tuple[str, ...]:
        """Under which keys the objects of ``namespace`` are filed, seen from here."""
        if not self._folder:
            return (namespace or DEFAULT_NAMESPACE,)
        return looked_for(self._folder, namespace, is_written=self._is_written)

    @property
    def everywhere(self) -> str:
        """Under which key the objects are filed that hold in every namespace, seen from here."""
        return f"*{self._folder}"

    def workloads_of(self, resource: Resource) -> tuple[Workload, ...]:
        """``resource`` as the pods it runs; empty where it runs none."""
        return self._store.workloads_of(resource)

    def has_workloads(self, namespace: str) -> bool:
        return self._store.has(WORKLOADS_IN, self.spaces(namespace))

    @property
    def bindings(self) -> Iterator[Resource]:
        for kind in BINDINGS:
            yield from self._store.of_kind(kind)

    def is_binding(self, resource: Resource) -> bool:
        return kind_name(resource) in BINDINGS

    @property
    def grants(self) -> tuple[Grant, ...]:
        """Every subject with every role it holds; what Kubernetes binds at its own start is left out."""
        return self._store.once("grants", self._all_grants)

    def _all_grants(self) -> tuple[Grant, ...]:
        return tuple(grant for binding in self.bindings for grant in self.bound_by(binding).grants)

    def bound_by(self, binding: Resource) -> Bound:
        """What ``binding`` gives to whom; what Kubernetes binds at its own start is left out."""
        return self._store.about(binding, "bound", lambda: self._without_kubernetes_own(binding))

    def _without_kubernetes_own(self, binding: Resource) -> Bound:
        everything = self.everything_bound_by(binding)
        return everything._replace(grants=tuple(g for g in everything.grants if not g.is_kubernetes_own))

    def everything_bound_by(self, binding: Resource) -> Bound:
        """As ``bound_by``, with what Kubernetes binds at its own start."""
        here = self.seen_from(binding)
        key = role_bound_by(binding)
        question = ("rules", key, here._folder, here._is_written)
        role = self._store.once(question, lambda: here._gathered(key)) if key else None
        return bound(binding, role, "" if role else here._namespace_with_role(binding))

    def _namespace_with_role(self, binding: Resource) -> str:
        """A namespace with a Role of the name that ``binding`` gives; empty where there is none."""
        name = text(mapping(binding.body.get("roleRef")).get("name"))
        return next(iter(self._store.find(ROLE_NAMESPACES, ((self._folder, name),))), "")

    def _gathered(self, key: RoleKey) -> Gathered | None:
        kind, namespace, name = key
        spaces = ("",) if kind == "ClusterRole" else self.spaces(namespace)
        found = self._store.find(ROLES, [(kind, space, name) for space in spaces])
        role = self._nearest_of(found, lambda rules: rules.role.origin) or self._built_in.get(key)
        return None if role is None else gathered(role, self)

    @property
    def steps(self) -> int:
        """How many roles may be looked at for one aggregated role."""
        return MAX_STEPS // max(1, len(self._store.find(AGGREGATED, (self._folder,))))

    def cluster_roles(self, label: tuple[str, str] | None) -> Sequence[OwnRules]:
        """Those with ``label``, every one for ``None``; the built-in ones after those that were read."""
        found = self._store.find(CLUSTER_ROLES, ((self._folder, label),))
        read = {rules.role.name for rules in found}
        return found + [
            rules
            for rules in self._built_in.cluster_roles
            if rules.role.name not in read
            and (label is None or has_label(rules.role, label))
            and not self._store.has(ROLES, (("ClusterRole", "", rules.role.name),))
        ]

    def grants_of(self, workload: Workload) -> Sequence[Grant]:
        """What the service account of ``workload`` may do, through its own name and the groups it belongs to."""
        return self.keep("grants", workload, self._grants_of)

    def _grants_of(self, workload: Workload) -> Sequence[Grant]:
        origin = workload.resource.origin
        if not folder_of(origin):
            if self._leaves_account_open(workload):
                return self._held_by(self._names_of_account(workload))
            # Most accounts are shared by many workloads.
            question = ("grants", workload.namespace, workload.service_account)
            return self.once_for_all(question, lambda: self._held_by(self._names_of_account(workload)))
        # Only among loose manifests there are copies of one grant.
        return [
            grant
            for key in self._names_of_account(workload)
            if (held := self._held_by((key,)))
            for grant in nearest(held, _grant_name, _grant_origin, origin)
        ]

    def keep(self, name: str, workload: Workload, find: Callable[[Workload], V]) -> V:
        """``find(workload)``, worked out once; kept with what was read for it where that is written down."""
        store, kept = self._store, self._kept[name]
        outer = store.trace
        answer: tuple[V, set[Read] | None] | None = kept.get(id(workload))
        if answer is not None and outer is None:
            return answer[0]
        if workload.resource not in store:  # no one holds on to it, so that its id may come to mean another
            return find(workload)
        if answer is None or (outer is not None and answer[1] is None):
            inner = store.trace = None if outer is None else set()
            try:
                answer = kept[id(workload)] = (find(workload), inner)
            finally:
                store.trace = outer
                if outer is not None and inner is not None:
                    outer |= inner
        elif outer is not None and answer[1] is not None:
            outer |= answer[1]
        return answer[0]

    def _held_by(self, names: Sequence[SubjectKey]) -> list[Grant]:
        return [
            grant
            for binding, index in self._store.find(BOUND_SUBJECTS, names)
            for grant in self.bound_by(binding).grants
            if grant.index == index
        ]

    def holds_unread_role(self, workload: Workload) -> bool:
        """Whether a binding gives its account, by its own name or a group's, a role that was not read."""
        return self._is_bound_to_unread(self._names_of_account(workload))

    def _is_bound_to_unread(self, names: Iterable[SubjectKey]) -> bool:
        """A chart's role may be the cluster's, or another chart's."""
        found = self._store.find(BOUND_SUBJECTS, tuple(names))
        unread = next((binding for binding, _ in found if self.bound_by(binding).unknown), None)
        if unread is not None:
            self.rest_on(unread)
        return unread is not None

    def workloads_of_account(self, namespace: str, name: str) -> Sequence[Workload]:
        """The workloads whose pods use a service account."""
        return self._store.find(ACCOUNT_USERS, [(space, name) for space in self.spaces(namespace)])

    def has_workloads_of_account(self, namespace: str, name: str) -> bool:
        """Whether the pods of any workload use a service account."""
        return self._store.has(ACCOUNT_USERS, [(space, name) for space in self.spaces(namespace)])

    def service_account_of(self, workload: Workload) -> Resource | None:
        return self.keep("account", workload, self._account_of)

    def _account_of(self, workload: Workload) -> Resource | None:
        here = self.seen_from(workload.resource)
        return here.get("ServiceAccount", workload.namespace, workload.service_account)

    def mounts_token(self, workload: Workload) -> bool:
        """Whether a token of the service account is mounted: the pod says, else the account, else yes."""
        said = workload.pod.get("automountServiceAccountToken")
        if not isinstance(said, bool):
            account = self.service_account_of(workload)
            said = account.body.get("automountServiceAccountToken") if account else None
        return said is not False

    def works_with_token(self, workload: Workload) -> bool:
        """Whether its account was made for it and given rights, so that the pods are there to ask the API server."""
        if workload.service_account == DEFAULT_ACCOUNT:
            return False
        if any(grant.kind != "Group" for grant in self.grants_of(workload)):
            return True
        return self._is_bound_to_unread(
            name for name in self._names_of_account(workload) if name[0] != "Group"
        )

    def services_of(self, workload: Workload) -> Sequence[Resource]:
        """The Services whose selector matches the workload's pods."""
        return self.keep("services", workload, self._find_services)

    def _find_services(self, workload: Workload) -> Sequence[Resource]:
        here = self.seen_from(workload.resource)
        selected = here._selecting(SERVICES, here.spaces(workload.resource.namespace), workload)
        found = [service for _, service in selected]
        return nearest(found, _name, _origin, workload.resource.origin) if here._folder else found

    def _selecting(
        self, index: Index[tuple[Selector, V]], spaces: Iterable[str], workload: Workload
    ) -> list[tuple[Selector, V]]:
        """The rows of ``spaces`` whose selector matches the pods: filed by the first label that each demands."""
        pairs = [pair for pair in workload.labels.items() if isinstance(pair[1], str)]
        keys = [(space, pair) for space in spaces for pair in (*pairs, None)]
        return [row for row in self._store.find(index, keys) if row[0](workload.labels)]

    def selects_any_pod(self, namespace: str, pairs: Any, selects: Selector) -> bool:
        """Whether pods of ``namespace`` match ``selects``; ``pairs`` are the labels it asks for by value, if any."""
        pair = first_pair(pairs)
        keys = [(space, pair) for space in self.spaces(namespace)]
        return any(selects(labels) for labels in self._store.find(LABEL_SETS, keys))

    def policies_of(self, workload: Workload) -> Sequence[PolicyRule]:
        """The network policies (built in, Cilium, Calico) that select the workload's pods."""
        return self.keep("policies", workload, self._find_policies)

    def _find_policies(self, workload: Workload) -> Sequence[PolicyRule]:
        here = self.seen_from(workload.resource)
        spaces = (*here.spaces(workload.resource.namespace), here.everywhere)
        return [
            rule
            for _, rule in here._selecting(POLICIES, spaces, workload)
            if rule.selects_namespace is None
            or rule.selects_namespace(here.namespace_labels(workload.namespace))
        ]

    def policies_in(self, namespace: str) -> Sequence[PolicyRule]:
        """The network policies that live in ``namespace`` or hold for all."""
        return self._store.find(POLICIES_IN, (*self.spaces(namespace), self.everywhere))

    def namespace_labels(self, name: str) -> Mapping[str, str]:
        """Labels of a namespace, its name label included; only that one where it was not read."""
        namespace = self.get("Namespace", "", name)
        labels = mapping(mapping(namespace.body.get("metadata")).get("labels")) if namespace else {}
        return {"kubernetes.io/metadata.name": name, **labels}

    @property
    def control_plane(self) -> tuple[ControlPlaneProcess, ...]:
        """Every control-plane component that a Pod runs; among loose manifests one of the folder."""
        found = (process_of(pod) for pod in self.of("Pod"))
        return tuple(process for process in found if process is not None)

    def _names_of_account(self, workload: Workload) -> list[SubjectKey]:
        """Every subject by which a binding reaches the account of ``workload``."""
        account, here = workload.service_account, self.seen_from(workload.resource)
        names: list[SubjectKey] = []
        for space in here.spaces(workload.resource.namespace):
            names += [("ServiceAccount", space, account), ("User", space, account), ("Group", space, "")]
        names += [("Group", here.everywhere, group) for group in _GROUPS_OF_ALL_ACCOUNTS]
        if self._leaves_account_open(workload):
            names += [("ServiceAccount", n, account) for n in self._meant_for(workload.resource, account)]
        return names

    def _leaves_account_open(self, workload: Workload) -> bool:
        """Whether what is beside it may say in which namespace its account is."""
        return not workload.resource.namespace and workload.service_account != DEFAULT_ACCOUNT

    def _meant_for(self, resource: Resource, account: str) -> Iterator[str]:
        """The namespaces that cluster-wide bindings beside ``resource`` write for an account it leaves open.

        Where the objects beside them write none, it is the one that they are to be applied to: a cluster-wide binding
        cannot leave it open. A file that has bindings is whole in itself: its like beside it is another way to
        install the same.
        """
        origin = resource.origin
        unit, path = unit_of(origin), origin.path
        place = (unit, path if self._store.has(FILES_WITH_BINDINGS, ((unit, path),)) else "")
        written = set(self._store.find(ACCOUNT_NAMESPACES, ((*place, account),)))
        for namespace in dict.fromkeys(self._store.find(MEANT_FOR, ((*place, account),))):
            if namespace not in written:
                yield namespace

    def _nearest_of(self, found: Sequence[V], origin_of: Callable[[V], Origin]) -> V | None:
        """The one of the own folder among loose manifests, else the last that was read."""
        if len(found) > 1 and self._folder:
            own = [one for one in found if folder_of(origin_of(one)) == self._folder]
            return (own or found)[-1]
        return found[-1] if found else None


_GROUPS_OF_ALL_ACCOUNTS = ("system:serviceaccounts", "system:authenticated")


def _name(service: Resource) -> str:
    return service.name


def _origin(service: Resource) -> Origin:
    return service.origin


def _grant_name(grant: Grant) -> tuple[str, ...]:
    """The same for copies of a grant: what binds it and what it gives."""
    binding, role = grant.binding, grant.role
    return (binding.kind, binding.namespace, binding.name, role.kind, role.name, grant.kind, grant.name)


def _grant_origin(grant: Grant) -> Origin:
    return grant.binding.origin
