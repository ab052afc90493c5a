"""Joins between resources. Each is built once, on first use, over the whole target."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from leadline.kube.kinds import GROUP_ALIASES
from leadline.kube.network_policy import POLICY_KINDS, PolicyRule, policy_rules
from leadline.kube.rbac import Grant, join_grants, unknown_roles
from leadline.kube.selector import Selector, SelectorIndex, compile_pairs, without_controller_labels
from leadline.model.resource import Origin, Resource
from leadline.posture.apply_unit import Unit, nearest, unit_of
from leadline.posture.control_plane import ControlPlaneProcess, process_of
from leadline.posture.subject import Workload, mapping, mappings, text, workloads_of

DEFAULT_NAMESPACE = "default"
DEFAULT_ACCOUNT = "default"
WORKLOADS = "workloads"
"""Stands among the ``kinds`` of a control for every object that runs pods."""
EVERY_KIND = "objects"
"""Stands among the ``kinds`` of a control for every object there is."""
SubjectKey = tuple[str, str, str]
"""Kind, namespace (of service accounts alone), name."""
T = TypeVar("T")


class Inventory:
    """Every object of the target, and how they hang together.

    ``kind`` arguments are written ``Kind`` for the core group and ``Kind.group`` for others. A
    namespace that an object does not write is ``default``.
    """

    def __init__(
        self,
        resources: Sequence[Resource],
        *,
        workloads: Callable[[Resource], tuple[Workload, ...]] = workloads_of,
        is_whole: bool = False,
        is_asked: bool = False,
        server_version: str = "",
        cloud: str = "",
    ) -> None:
        self.resources = resources
        self.is_whole = is_whole
        """Whether the target is a whole cluster: only there does an object that is not here not exist."""
        self.is_asked = is_asked
        """Whether the controls were asked for by name, and so judge what is there as if it were all."""
        self.server_version = server_version
        """The API server's ``v1.36.3``; empty where unknown."""
        self.cloud = cloud
        """``EKS``, ``AKS``, ``GKE``; empty where unknown."""
        self._workloads_of = workloads
        self._answers: dict[str, Any] = {}
        self._services_of: dict[int, list[Resource]] = {}
        self._policies_of: dict[int, list[PolicyRule]] = {}

    def of(self, kind: str) -> Sequence[Resource]:
        """Every object of ``kind``, in the order of reading."""
        return self._by_kind.get(kind, ())

    def get(self, kind: str, namespace: str, name: str) -> Resource | None:
        """One object; ``namespace`` is empty for kinds without one."""
        found = self._by_name(kind).get((namespace, name))
        return found or (self._by_name(kind).get((DEFAULT_NAMESPACE, name)) if not namespace else None)

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        return tuple(workload for resource in self.resources for workload in self.workloads_of(resource))

    def once(self, question: str, answer: Callable[[], T]) -> T:
        """``answer()``, worked out on the first call with this ``question`` and kept."""
        if question not in self._answers:
            self._answers[question] = answer()
        kept: T = self._answers[question]
        return kept

    def workloads_of(self, resource: Resource) -> tuple[Workload, ...]:
        """``resource`` as the pods it runs; empty where it runs none."""
        return self._workloads_of(resource)

    def workloads_in(self, namespace: str) -> Sequence[Workload]:
        return self._workloads_by_namespace.get(namespace or DEFAULT_NAMESPACE, ())

    @cached_property
    def grants(self) -> tuple[Grant, ...]:
        """Every subject with every role it holds; what Kubernetes binds at its own start is left out."""
        return tuple(grant for grant in join_grants(self.rbac) if not grant.is_kubernetes_own)

    def grants_of(self, workload: Workload) -> Sequence[Grant]:
        """What the service account of ``workload`` may do, through its own name and the groups it belongs to."""
        origin = workload.resource.origin
        return [
            grant
            for key in self._names_of_account(workload)
            if (held := self._grants_by_subject.get(key))
            for grant in (nearest(held, _grant_name, _grant_origin, origin) if key in self._copied else held)
        ]

    def holds_unread_role(self, workload: Workload) -> bool:
        """Whether a binding gives its account, by its own name or a group's, a role that was not read."""
        return not self._bound_to_unread.isdisjoint(self._names_of_account(workload))

    def workloads_of_account(self, namespace: str, name: str) -> Sequence[Workload]:
        """The workloads whose pods use a service account."""
        return self._workloads_by_account.get((namespace or DEFAULT_NAMESPACE, name), ())

    def service_account_of(self, workload: Workload) -> Resource | None:
        return self.get("ServiceAccount", workload.namespace, workload.service_account)

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
        return any(
            kind != "Group" and (kind, namespace, name) in self._bound_to_unread
            for kind, namespace, name in self._names_of_account(workload)
        )

    def services_of(self, workload: Workload) -> Sequence[Resource]:
        """The Services whose selector matches the workload's pods."""
        found = self._services_of.get(id(workload))
        if found is None:
            index = self._services.get(workload.namespace)
            found = index.matching(workload.labels) if index else []
            if len(found) > 1:
                found = list(nearest(found, _name, _origin, workload.resource.origin))
            self._services_of[id(workload)] = found
        return found

    def selects_any_pod(self, namespace: str, pairs: Any, selects: Selector) -> bool:
        """Whether pods of ``namespace`` match ``selects``; ``pairs`` are the labels it asks for by value, if any."""
        place = namespace or DEFAULT_NAMESPACE
        for key, value in mapping(pairs).items():
            candidates = self._label_sets_by_pair.get((place, str(key), str(value)), ())
            return any(selects(labels) for labels in candidates)
        return any(selects(labels) for labels in self._label_sets.get(place, ()))

    def pods_of(self, service: Resource) -> Sequence[Workload]:
        """The workloads whose pods ``service`` selects."""
        pairs = without_controller_labels(mapping(service.body.get("spec")).get("selector"))
        selects = compile_pairs(pairs)
        return [w for w in self.workloads_in(service.namespace) if selects(w.labels)]

    def policies_of(self, workload: Workload) -> Sequence[PolicyRule]:
        """The network policies (built in, Cilium, Calico) that select the workload's pods."""
        found = self._policies_of.get(id(workload))
        if found is None:
            found = self._policies_of[id(workload)] = [
                rule
                for place in (workload.namespace, "")
                if (index := self._policy_index.get(place))
                for rule in index.matching(workload.labels)
                if rule.selects_namespace is None
                or rule.selects_namespace(self.namespace_labels(workload.namespace))
            ]
        return found

    def policies_in(self, namespace: str) -> Sequence[PolicyRule]:
        """The network policies that live in ``namespace`` or hold for all."""
        return [*self._policies.get(namespace, ()), *self._policies.get("", ())]

    def namespace_labels(self, name: str) -> Mapping[str, str]:
        """Labels of a namespace, its name label included; only that one where it was not read."""
        namespace = self.get("Namespace", "", name)
        labels = mapping(mapping(namespace.body.get("metadata")).get("labels")) if namespace else {}
        return {"kubernetes.io/metadata.name": name, **labels}

    @cached_property
    def _by_kind(self) -> dict[str, list[Resource]]:
        index: dict[str, list[Resource]] = defaultdict(list)
        for resource in self.resources:
            index[kind_name(resource)].append(resource)
        return dict(index)

    def _by_name(self, kind: str) -> dict[tuple[str, str], Resource]:
        index = self._names.get(kind)
        if index is None:
            is_namespaced = kind not in _WITHOUT_NAMESPACE
            index = self._names[kind] = {
                (r.namespace or (DEFAULT_NAMESPACE if is_namespaced else ""), r.name): r
                for r in self.of(kind)
            }
        return index

    @cached_property
    def _names(self) -> dict[str, dict[tuple[str, str], Resource]]:
        return {}

    @cached_property
    def rbac(self) -> Sequence[Resource]:
        """Every role and binding."""
        kinds = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
        return [r for kind in kinds for r in self.of(f"{kind}.rbac.authorization.k8s.io")]

    @cached_property
    def _workloads_by_namespace(self) -> dict[str, list[Workload]]:
        index: dict[str, list[Workload]] = defaultdict(list)
        for workload in self.workloads:
            index[workload.namespace].append(workload)
        return dict(index)

    @cached_property
    def _workloads_by_account(self) -> dict[tuple[str, str], list[Workload]]:
        index: dict[tuple[str, str], list[Workload]] = defaultdict(list)
        for workload in self.workloads:
            index[workload.namespace, workload.service_account].append(workload)
        return dict(index)

    @cached_property
    def control_plane(self) -> tuple[ControlPlaneProcess, ...]:
        """Every control-plane component that a Pod of the target runs."""
        found = (process_of(pod) for pod in self.of("Pod"))
        return tuple(process for process in found if process is not None)

    @cached_property
    def _label_sets(self) -> dict[str, list[Mapping[str, str]]]:
        seen: dict[str, dict[str, Mapping[str, str]]] = defaultdict(dict)
        for workload in self.workloads:
            seen[workload.namespace].setdefault(repr(workload.labels), workload.labels)
        return {namespace: list(sets.values()) for namespace, sets in seen.items()}

    @cached_property
    def _label_sets_by_pair(self) -> dict[tuple[str, str, str], list[Mapping[str, str]]]:
        index: dict[tuple[str, str, str], list[Mapping[str, str]]] = defaultdict(list)
        for namespace, sets in self._label_sets.items():
            for labels in sets:
                for key, value in labels.items():
                    index[namespace, str(key), str(value)].append(labels)
        return dict(index)

    @cached_property
    def _grants_by_subject(self) -> dict[SubjectKey, list[Grant]]:
        index: dict[SubjectKey, list[Grant]] = defaultdict(list)
        for grant in self.grants:
            index[_subject_key(grant.subject, grant.binding)].append(grant)
        return dict(index)

    @cached_property
    def _bound_to_unread(self) -> frozenset[SubjectKey]:
        """Whom bindings give a role that was not read: a chart's may be the cluster's, or another chart's."""
        return frozenset(
            _subject_key(subject, binding)
            for binding, _ in unknown_roles(self.rbac)
            for _, subject in mappings(binding.body.get("subjects"))
        )

    def _names_of_account(self, workload: Workload) -> list[SubjectKey]:
        """Every subject by which a binding reaches the account of ``workload``."""
        account, namespace = workload.service_account, workload.namespace
        names = [
            ("ServiceAccount", namespace, account),
            ("User", "", f"system:serviceaccount:{namespace}:{account}"),
            ("Group", "", "system:serviceaccounts"),
            ("Group", "", f"system:serviceaccounts:{namespace}"),
            ("Group", "", "system:authenticated"),
        ]
        if not workload.resource.namespace and account != DEFAULT_ACCOUNT:
            origin = workload.resource.origin
            file = (unit_of(origin), origin.path)
            place = file if file in self._files_with_bindings else (unit_of(origin), "")
            names += [("ServiceAccount", n, account) for n in self._meant_for.get((*place, account), ())]
        return names

    @cached_property
    def _files_with_bindings(self) -> frozenset[tuple[Unit, str]]:
        """A file that has some is whole in itself: its like beside it is another way to install the same."""
        bindings = (r.origin for r in self.rbac if r.kind in ("RoleBinding", "ClusterRoleBinding"))
        return frozenset((unit_of(origin), origin.path) for origin in bindings)

    @cached_property
    def _meant_for(self) -> dict[tuple[Unit, str, str], set[str]]:
        """Unit, file (empty for the whole unit) and account to the namespaces that bindings write for it.

        Where the objects beside them write none, it is the one that they are to be applied to: a cluster-wide binding
        cannot leave it open.
        """
        meant: dict[tuple[Unit, str, str], set[str]] = defaultdict(set)
        for binding in self.rbac:
            if binding.kind == "ClusterRoleBinding":
                unit, path = unit_of(binding.origin), binding.origin.path
                for _, subject in mappings(binding.body.get("subjects")):
                    kind, namespace, name = _subject_key(subject, binding)
                    if kind == "ServiceAccount":
                        meant[unit, path, name].add(namespace)
                        meant[unit, "", name].add(namespace)
        for account in self.of("ServiceAccount"):
            if account.namespace:  # it is the one that is meant
                for path in (account.origin.path, ""):
                    meant[unit_of(account.origin), path, account.name].discard(account.namespace)
        return dict(meant)

    @cached_property
    def _copied(self) -> frozenset[SubjectKey]:
        """The subjects to which one binding gives one role in several places of the target."""
        held = self._grants_by_subject.items()
        return frozenset(key for key, grants in held if len(set(map(_grant_name, grants))) < len(grants))

    @cached_property
    def _services(self) -> dict[str, SelectorIndex[Resource]]:
        index: dict[str, SelectorIndex[Resource]] = defaultdict(SelectorIndex)
        for service in self.of("Service"):
            spec = mapping(service.body.get("spec"))
            if text(spec.get("type")) != "ExternalName":
                pairs = without_controller_labels(spec.get("selector"))
                index[service.namespace or DEFAULT_NAMESPACE].add(pairs, compile_pairs(pairs), service)
        return dict(index)

    @cached_property
    def _policy_index(self) -> dict[str, SelectorIndex[PolicyRule]]:
        index: dict[str, SelectorIndex[PolicyRule]] = defaultdict(SelectorIndex)
        for namespace, rules in self._policies.items():
            for rule in rules:
                index[namespace].add(rule.pairs, rule.selects, rule)
        return dict(index)

    @cached_property
    def _policies(self) -> dict[str, list[PolicyRule]]:
        index: dict[str, list[PolicyRule]] = defaultdict(list)
        for rule in self._policy_rules():
            index[rule.namespace].append(rule)
        return dict(index)

    def _policy_rules(self) -> Iterator[PolicyRule]:
        for kind in POLICY_KINDS:
            for resource in self.of(kind):
                yield from policy_rules(resource)


def _name(service: Resource) -> str:
    return service.name


def _origin(service: Resource) -> Origin:
    return service.origin


def _subject_key(subject: Mapping[str, Any], binding: Resource) -> SubjectKey:
    kind, namespace = text(subject.get("kind")), ""
    if kind == "ServiceAccount":
        namespace = text(subject.get("namespace")) or binding.namespace or DEFAULT_NAMESPACE
    return kind, namespace, text(subject.get("name"))


def _grant_name(grant: Grant) -> tuple[str, ...]:
    """The same for copies of a grant: what binds it and what it gives."""
    binding, role = grant.binding, grant.role
    return (binding.kind, binding.namespace, binding.name, role.kind, role.name, grant.kind, grant.name)


def _grant_origin(grant: Grant) -> Origin:
    return grant.binding.origin


def kind_name(resource: Resource) -> str:
    """``Kind`` for the core group, ``Kind.group`` for others; groups that were renamed count as the present one."""
    group = resource.group
    key = f"{resource.kind}.{group}" if group else resource.kind
    return GROUP_ALIASES.get(key, key)


_WITHOUT_NAMESPACE = frozenset(
    {
        "Namespace",
        "Node",
        "PersistentVolume",
        "ClusterRole.rbac.authorization.k8s.io",
        "ClusterRoleBinding.rbac.authorization.k8s.io",
        "StorageClass.storage.k8s.io",
        "IngressClass.networking.k8s.io",
        "GatewayClass.gateway.networking.k8s.io",
    }
)
