"""What the objects of a world file under which keys: one index for each question that ``Inventory`` answers."""

from collections.abc import Hashable, Iterator, Mapping
from functools import cache
from typing import Any

from leadline.kube.network_policy import POLICY_KINDS, PolicyRule, policy_rules
from leadline.kube.rbac import RBAC_KINDS, RoleKey, is_aggregated, role_bound_by
from leadline.kube.role_rules import OwnRules, labels_of
from leadline.kube.selector import (
    Selector,
    compile_pairs,
    compile_selector,
    first_pair,
    without_controller_labels,
)
from leadline.model.resource import Resource
from leadline.posture.apply_unit import DEFAULT_NAMESPACE, filed_under, unit_of
from leadline.posture.index import WITHOUT_NAMESPACE, WORKLOADS, Filed, Index
from leadline.posture.subject import Workload, mapping, mappings, sequence, text

SubjectKey = tuple[str, str, str]
"""Kind, the namespace or folder where it is known by the name, name."""
BINDINGS = RBAC_KINDS[2:]
_USER_OF_ACCOUNT = "system:serviceaccount:"
_GROUP_OF_ACCOUNTS = "system:serviceaccounts:"


@cache
def by_name(kind: str) -> Index[Resource]:
    """Bounded by the number of kinds that controls ask for by name."""
    if kind in WITHOUT_NAMESPACE:
        return Index((kind,), lambda filed: ((("", filed.resource.name), filed.resource),))
    return Index(
        (kind,), lambda filed: (((space, filed.resource.name), filed.resource) for space in filed.spaces)
    )


@cache
def in_folder(kind: str) -> Index[Resource]:
    return Index((kind,), lambda filed: ((filed.folder, filed.resource),))


@cache
def in_space(kind: str) -> Index[None]:
    return Index((kind,), lambda filed: ((space, None) for space in filed.spaces))


def _workloads_in(filed: Filed) -> Iterator[tuple[str, Workload]]:
    return ((space, workload) for workload in filed.workloads for space in filed.spaces)


def _account_users(filed: Filed) -> Iterator[tuple[tuple[str, str], Workload]]:
    for workload in filed.workloads:
        for space in filed.spaces:
            yield (space, workload.service_account), workload


def _label_sets(filed: Filed) -> Iterator[tuple[Hashable, Mapping[str, str]]]:
    for workload in filed.workloads:
        for space in filed.spaces:
            yield (space, None), workload.labels
            for key, value in workload.labels.items():
                yield (space, (str(key), str(value))), workload.labels


def _services(filed: Filed) -> Iterator[tuple[Hashable, tuple[Selector, Resource]]]:
    spec = mapping(filed.resource.body.get("spec"))
    pairs = without_controller_labels(spec.get("selector"))
    pair = first_pair(pairs)
    if pair is not None and text(spec.get("type")) != "ExternalName":
        row = (compile_pairs(pairs), filed.resource)
        yield from (((space, pair), row) for space in filed.spaces)


def _policies_in(filed: Filed) -> Iterator[tuple[str, PolicyRule]]:
    for rule in policy_rules(filed.resource):
        spaces = filed.spaces if rule.namespace else (filed.everywhere,)
        yield from ((space, rule) for space in spaces)


def _policies(filed: Filed) -> Iterator[tuple[Hashable, tuple[Selector, PolicyRule]]]:
    for space, rule in _policies_in(filed):
        yield (space, first_pair(rule.pairs)), (rule.selects, rule)


def _roles(filed: Filed) -> Iterator[tuple[RoleKey, OwnRules]]:
    role = filed.resource
    spaces = ("",) if role.kind == "ClusterRole" else filed.spaces
    rules = OwnRules(role)
    yield from (((role.kind, space, role.name), rules) for space in spaces)


def _role_namespaces(filed: Filed) -> Iterator[tuple[tuple[str, str], str]]:
    yield (filed.folder, filed.resource.name), filed.resource.namespace or DEFAULT_NAMESPACE


def _cluster_roles(filed: Filed) -> Iterator[tuple[Hashable, OwnRules]]:
    rules = OwnRules(filed.resource)
    yield (filed.folder, None), rules
    for key, value in labels_of(filed.resource).items():
        yield (filed.folder, (str(key), str(value))), rules


def has_label(role: Resource, label: tuple[str, str]) -> bool:
    return any((str(key), str(value)) == label for key, value in labels_of(role).items())


def _aggregated(filed: Filed) -> Iterator[tuple[str, str]]:
    if is_aggregated(filed.resource):
        yield filed.folder, filed.resource.name


def _aggregations(filed: Filed) -> Iterator[tuple[Hashable, tuple[Selector, Resource]]]:
    """An aggregated role, under a label that each role it takes over has."""
    aggregation = mapping(filed.resource.body.get("aggregationRule"))
    for selector in sequence(aggregation.get("clusterRoleSelectors")):
        pair = first_pair(mapping(mapping(selector).get("matchLabels")))
        yield (filed.everywhere, pair), (compile_selector(selector), filed.resource)


def _bound_roles(filed: Filed) -> Iterator[tuple[RoleKey, Resource]]:
    key = role_bound_by(filed.resource)
    if key is not None:
        kind, _, name = key
        spaces = ("",) if kind == "ClusterRole" else filed.spaces
        yield from (((kind, space, name), filed.resource) for space in spaces)


def _bound_subjects(filed: Filed) -> Iterator[tuple[SubjectKey, tuple[Resource, int]]]:
    for index, subject in mappings(filed.resource.body.get("subjects")):
        for key in _keys_of_subject(subject, filed):
            yield key, (filed.resource, index)


def _keys_of_subject(subject: Mapping[str, Any], filed: Filed) -> Iterator[SubjectKey]:
    """A user or group that represents service accounts is filed where those are."""
    kind, name = text(subject.get("kind")), text(subject.get("name"))
    if kind == "ServiceAccount":
        namespace = text(subject.get("namespace"))
        spaces = filed_under(filed.folder, namespace) if namespace else filed.spaces
        yield from ((kind, space, name) for space in spaces)
    elif kind == "User" and name.startswith(_USER_OF_ACCOUNT):
        namespace, _, account = name.removeprefix(_USER_OF_ACCOUNT).partition(":")
        yield from ((kind, space, account) for space in filed_under(filed.folder, namespace))
    elif kind == "Group" and name.startswith(_GROUP_OF_ACCOUNTS):
        namespace = name.removeprefix(_GROUP_OF_ACCOUNTS)
        yield from ((kind, space, "") for space in filed_under(filed.folder, namespace))
    else:
        yield kind, filed.everywhere, name


def _files_with_bindings(filed: Filed) -> Iterator[tuple[Hashable, None]]:
    origin = filed.resource.origin
    yield (unit_of(origin), origin.path), None


def _meant_for(filed: Filed) -> Iterator[tuple[Hashable, str]]:
    origin = filed.resource.origin
    for _, subject in mappings(filed.resource.body.get("subjects")):
        if text(subject.get("kind")) == "ServiceAccount":
            namespace, name = text(subject.get("namespace")) or DEFAULT_NAMESPACE, text(subject.get("name"))
            yield (unit_of(origin), origin.path, name), namespace
            yield (unit_of(origin), "", name), namespace


def _account_namespaces(filed: Filed) -> Iterator[tuple[Hashable, str]]:
    account, origin = filed.resource, filed.resource.origin
    if account.namespace:  # it is the one that is meant
        yield (unit_of(origin), origin.path, account.name), account.namespace
        yield (unit_of(origin), "", account.name), account.namespace


WORKLOADS_IN: Index[Workload] = Index((WORKLOADS,), _workloads_in)
ACCOUNT_USERS: Index[Workload] = Index((WORKLOADS,), _account_users)
LABEL_SETS: Index[Mapping[str, str]] = Index((WORKLOADS,), _label_sets)
SERVICES: Index[tuple[Selector, Resource]] = Index(("Service",), _services)
POLICIES: Index[tuple[Selector, PolicyRule]] = Index(POLICY_KINDS, _policies)
POLICIES_IN: Index[PolicyRule] = Index(POLICY_KINDS, _policies_in)
ROLES: Index[OwnRules] = Index(RBAC_KINDS[:2], _roles)
ROLE_NAMESPACES: Index[str] = Index(RBAC_KINDS[:1], _role_namespaces)
CLUSTER_ROLES: Index[OwnRules] = Index(RBAC_KINDS[1:2], _cluster_roles)
AGGREGATED: Index[str] = Index(RBAC_KINDS[1:2], _aggregated)
AGGREGATIONS: Index[tuple[Selector, Resource]] = Index(RBAC_KINDS[1:2], _aggregations)
BOUND_ROLES: Index[Resource] = Index(BINDINGS, _bound_roles)
BOUND_SUBJECTS: Index[tuple[Resource, int]] = Index(BINDINGS, _bound_subjects)
FILES_WITH_BINDINGS: Index[None] = Index(BINDINGS, _files_with_bindings)
MEANT_FOR: Index[str] = Index((f"ClusterRoleBinding.{RBAC_KINDS[0].partition('.')[2]}",), _meant_for)
ACCOUNT_NAMESPACES: Index[str] = Index(("ServiceAccount",), _account_namespaces)
