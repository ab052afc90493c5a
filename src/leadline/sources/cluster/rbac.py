"""The rights that a reading needs: the whole role, and the one rule that was missing.

Source: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from collections.abc import Iterable
from typing import Any

from leadline.kube.kinds import ADDED_WORKLOADS, WORKLOADS, split_key
from leadline.sources.cluster.discovery import ApiKind, known_plural

ANY_WORKLOAD = "workloads"
"""Stands in a set of kinds for everything that runs pods, custom kinds among them."""

OPERATOR = "leadline-operator"
"""The operator's roles, and its Lease."""

IMAGES = "leadline-images"
"""Role and account of the pods of Jobs that scan images."""

_NEVER_LISTED = frozenset(
    {
        "Eviction.policy",
        "LocalSubjectAccessReview.authorization.k8s.io",
        "SelfSubjectAccessReview.authorization.k8s.io",
        "SelfSubjectReview.authentication.k8s.io",
        "SelfSubjectRulesReview.authorization.k8s.io",
        "SubjectAccessReview.authorization.k8s.io",
        "TokenReview.authentication.k8s.io",
    }
)
"""Questions and orders, which are created and not kept: in a manifest a control may look at them, a cluster has none."""


def least_role(kinds: Iterable[str], custom: Iterable[ApiKind] = ()) -> dict[str, Any]:
    """The ClusterRole that suffices to read ``kinds``; ``custom`` adds kinds that a cluster was seen to serve.

    Discovery, schemas and the version are granted to every signed-in user by ``system:discovery``.
    """
    by_group: dict[str, set[str]] = {}
    for key in expand(kinds) - _NEVER_LISTED:
        by_group.setdefault(split_key(key)[1], set()).add(known_plural(key))
    for kind in custom:
        by_group.setdefault(kind.group, set()).add(kind.plural)
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "leadline-reader"},
        "rules": [
            {"apiGroups": [group], "resources": sorted(plurals), "verbs": ["list"]}
            for group, plurals in sorted(by_group.items())
        ],
    }


_KEPT = [
    *("openvulnerabilityexchangecontainers", "sbomsyfts"),
    *("vulnerabilitymanifests", "vulnerabilitymanifestsummaries"),
    *("workloadconfigurationscans", "workloadconfigurationscansummaries"),
]
"""Kinds of results about objects and images."""


_OURS_KEPT = [
    *("findinghistories", "imagescans", "namespacehistories"),
    *("scanruns", "scanschedules", "suggestions", "workloadrisks"),
]
_OF_BEHAVIOUR = ["applicationprofiles", "networkneighborhoods"]
"""What follows from the profiles of containers, which agents write."""
_KEEPING = ("create", "delete", "get", "list", "update", "watch")
_RESULTS = "spdx.softwarecomposition.kubescape.io"


def operator_roles(kinds: Iterable[str], namespace: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the operator needs as well: a ClusterRole to follow ``kinds`` and keep results, a Role for its Lease."""
    reading = least_role(kinds)["rules"]
    for rule in reading:
        rule["verbs"] = ["list", "watch"]
    cluster = [
        *reading,
        _rule("kubescape.io", ["clustersecurityexceptions", "securityexceptions"], ["get"]),
        _rule("kubescape.io", ["clustersecurityexceptions/status", "securityexceptions/status"], ["patch"]),
        _rule("", ["events"], ["create"]),
        _rule("leadline.dev", _OURS_KEPT, _KEEPING),
        _rule(_RESULTS, sorted((*_KEPT, *_OF_BEHAVIOUR)), _KEEPING),
        _rule(_RESULTS, ["containerprofiles"], ["list"]),
    ]
    of_lease = {**_rule("coordination.k8s.io", ["leases"], ["get", "update"]), "resourceNames": [OPERATOR]}
    own = [of_lease, _rule("coordination.k8s.io", ["leases"], ["create"])]
    return _role("ClusterRole", {"name": OPERATOR}, cluster), _role(
        "Role", {"name": OPERATOR, "namespace": namespace}, own
    )


def job_roles(namespace: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """For scanning images by Jobs: a Role by which the operator makes them, a ClusterRole and a Role for their pods."""
    account = {**_rule("", ["serviceaccounts"], ["get"]), "resourceNames": [IMAGES]}
    making = [_rule("batch", ["jobs"], ["create", "get"]), account]
    results = ["openvulnerabilityexchangecontainers", "sbomsyfts", "vulnerabilitymanifests"]
    keeping = [verb for verb in _KEEPING if verb != "watch"]
    return (
        _role("Role", {"name": f"{OPERATOR}-jobs", "namespace": namespace}, making),
        _role("ClusterRole", {"name": IMAGES}, [_rule("leadline.dev", ["imagescans"], keeping)]),
        _role("Role", {"name": IMAGES, "namespace": namespace}, [_rule(_RESULTS, results, keeping)]),
    )


def _rule(group: str, resources: list[str], verbs: Iterable[str]) -> dict[str, Any]:
    return {"apiGroups": [group], "resources": resources, "verbs": list(verbs)}


def _role(kind: str, metadata: dict[str, str], rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": kind,
        "metadata": metadata,
        "rules": rules,
    }


def expand(kinds: Iterable[str]) -> frozenset[str]:
    """``kinds`` with the marker for workloads replaced by the kinds that are known to run pods."""
    wanted = set(kinds)
    if ANY_WORKLOAD in wanted:
        wanted.remove(ANY_WORKLOAD)
        wanted.update(WORKLOADS, ADDED_WORKLOADS)
    return frozenset(wanted)


def missing_rule(kind: ApiKind, verb: str = "list", name: str = "") -> str:
    """One sentence with the RBAC rule that would have allowed it, in YAML's flow form."""
    names = f", resourceNames: [{name}]" if name else ""
    return f'needs the RBAC rule {{apiGroups: ["{kind.group}"], resources: [{kind.plural}], verbs: [{verb}]{names}}}'
