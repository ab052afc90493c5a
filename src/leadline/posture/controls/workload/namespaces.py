"""In which namespace an object is, and what bounds the namespace."""

from leadline.posture import control_examples as examples
from leadline.posture.checks.admission_guards import GUARD_KINDS, policies_guard
from leadline.posture.checks.namespaces import default_namespace, holds_applications
from leadline.posture.checks.pod_security_labels import ENFORCE, enforces
from leadline.posture.checks.resource_bounds import has_bounds
from leadline.posture.checks.target_completeness import expect, expect_cluster
from leadline.posture.control import (
    YOUR_VALUE,
    Inventory,
    Missing,
    Namespace,
    NotJudged,
    Resource,
    Review,
    Set,
    Violations,
    Workload,
    control,
)
from leadline.posture.control_families import pod_control
from leadline.posture.subject import NAMESPACES_OF_KUBERNETES

NAMESPACED_KINDS = (
    "Pod",
    "Deployment.apps",
    "ReplicaSet.apps",
    "DaemonSet.apps",
    "StatefulSet.apps",
    "Job.batch",
    "CronJob.batch",
    "Role.rbac.authorization.k8s.io",
    "RoleBinding.rbac.authorization.k8s.io",
    "ConfigMap",
    "Endpoints",
    "PersistentVolumeClaim",
    "PodTemplate",
    "ReplicationController",
    "Service",
    "ServiceAccount",
    "EndpointSlice.discovery.k8s.io",
    "HorizontalPodAutoscaler.autoscaling",
    "Lease.coordination.k8s.io",
    "CSIStorageCapacity.storage.k8s.io",
    "Ingress.networking.k8s.io",
    "PodDisruptionBudget.policy",
    "Secret",
)
OBJECTS_OF_KUBERNETES = frozenset(
    {
        ("Service", "kubernetes"),
        ("Endpoints", "kubernetes"),
        ("EndpointSlice", "kubernetes"),
        ("ServiceAccount", "default"),
        ("ConfigMap", "kube-root-ca.crt"),
    }
)
"""What Kubernetes itself keeps in ``default``."""
PRIORITIES = ("system-node-critical", "system-cluster-critical")
"""What components of a cluster run with, the static Pods of the control plane among them."""


def is_own_object(resource: Resource) -> bool:
    return (resource.kind, resource.name) not in OBJECTS_OF_KUBERNETES or resource.namespace != "default"


@control(
    "C-0212",
    "The default namespace should not be used",
    problem="Object in the default namespace",
    score=2.0,
    reference_score=4.0,
    category="Workload",
    kinds=NAMESPACED_KINDS,
    applies=is_own_object,
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
)
def object_in_default_namespace(resource: Resource) -> Violations:
    """An object lives in the namespace ``default``, or names none.

    Rights, quotas and network policies are given per namespace; what shares ``default`` shares them all, and
    deleting an application means picking its parts out by hand.

    Fix: move it into the namespace of its application.

    Example::

        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: default}
        spec: {selector: {app: web}}

    Cannot see: a namespace that the deploying tool fills in later. What a chart renders, and what a kustomization builds
    without a namespace, is therefore not judged.
    """
    yield from default_namespace(resource)


@pod_control(
    "C-0061",
    "Pods in default namespace",
    problem="Pod in the default namespace",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    namespace="default",
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
)
def pod_in_default_namespace(workload: Workload) -> Violations:
    """The workload lives in the namespace ``default``, or names none.

    Quotas, network policies and rights are given per namespace. What piles up in ``default`` shares them all,
    and a forgotten ``-n`` puts more there.

    Fix: give the application a namespace of its own and write it into ``metadata.namespace``.

    Cannot see: a namespace that the deploying tool fills in later. What a chart renders, and what a kustomization builds
    without a namespace, is therefore not judged.
    """
    yield from default_namespace(workload.resource)


@pod_control(
    "L-0034",
    "Applications live outside the namespaces of Kubernetes",
    problem="Application in a system namespace",
    score=3.0,
    category="Workload",
    namespace="kube-public",
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/#initial-namespaces",
)
def pod_in_system_namespace(workload: Workload, inventory: Inventory) -> Violations:
    """A manifest puts a workload into ``kube-system``, ``kube-public`` or ``kube-node-lease``.

    Policies leave these namespaces out, and who may work in one of them can reach the cluster's own components. Of
    ``kube-public`` everyone may read.

    Fix: give the application a namespace of its own. Agents that belong to the cluster may stay; waive them by name.

    Cannot see: which workloads of a cluster its installer put there; clusters are not judged, files are.
    """
    if inventory.is_whole:
        raise NotJudged("in a cluster these namespaces hold what the installer put there")
    is_of_node = workload.kind == "DaemonSet" or workload.pod.get("priorityClassName") in PRIORITIES
    if workload.namespace in NAMESPACES_OF_KUBERNETES and not is_of_node:
        yield Review("metadata.namespace", on=workload.resource.id)


def is_own_namespace(namespace: Resource) -> bool:
    return namespace.name not in NAMESPACES_OF_KUBERNETES


@control(
    "C-0209",
    "Create administrative boundaries between resources using namespaces",
    problem="Namespaces to review",
    score=1.0,
    reference_score=5.0,
    category="Workload",
    kinds=("Namespace",),
    applies=is_own_namespace,
    see="https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/",
)
def namespace_to_review(namespace: Resource, inventory: Inventory) -> Violations:
    """A namespace is only a boundary if what is inside belongs together.

    Rights, quotas, network policies and Pod Security levels are given per namespace; two teams in one share
    each other's mistakes.

    Fix: go through the list: one application or team each, nothing left over from a trial.

    Example::

        apiVersion: v1
        kind: Namespace
        metadata: {name: misc}

    Cannot see: who uses it and for what. Files are judged only when the control is asked for by name.
    """
    expect_cluster(inventory)
    yield Review("", advice="check that you know it")


@control(
    "L-0032",
    "Namespaces have a resource quota",
    problem="Namespace without resource quota",
    consequence="availability",
    score=1.0,
    category="Workload / Resource management",
    applies=holds_applications,
    reads=("LimitRange", "ResourceQuota"),
    example=examples.NAMESPACE,
    see="https://kubernetes.io/docs/concepts/policy/resource-quotas/",
)
def namespace_without_quota(namespace: Namespace, inventory: Inventory) -> Violations:
    """The namespace has no ResourceQuota.

    One namespace may then take all of the cluster: its processors, its memory, its disks, its load balancers.
    Kubernetes' own namespaces are left out.

    Fix: create a ResourceQuota in the namespace.

    Cannot see: objects of the namespace that were not read. Files are judged only where a ResourceQuota is
    beside the namespace.
    """
    if not has_bounds("ResourceQuota", namespace.name, inventory):
        expect(namespace.resource, ("ResourceQuota",), inventory, namespace.name)
        yield Missing("a ResourceQuota in the namespace")


@control(
    "L-0031",
    "Namespaces have a limit range",
    problem="Namespace without limit range",
    consequence="availability",
    score=1.0,
    category="Workload / Resource management",
    applies=holds_applications,
    reads=("LimitRange", "ResourceQuota"),
    example=examples.NAMESPACE,
    see="https://kubernetes.io/docs/concepts/policy/limit-range/",
)
def namespace_without_limit_range(namespace: Namespace, inventory: Inventory) -> Violations:
    """The namespace has no LimitRange.

    A container that leaves its limits out then has none, and may take all of its node. Kubernetes' own namespaces
    are left out.

    Fix: create a LimitRange in the namespace.

    Cannot see: objects of the namespace that were not read. Files are judged only where a LimitRange is beside
    the namespace.
    """
    if not has_bounds("LimitRange", namespace.name, inventory):
        expect(namespace.resource, ("LimitRange",), inventory, namespace.name)
        yield Missing("a LimitRange in the namespace")


@control(
    "C-0192",
    "Ensure that the cluster has at least one active policy control mechanism in place",
    problem="No policy guards the namespace",
    consequence="node escape",
    score=5.0,
    reference_score=4.0,
    category="Network",
    applies=holds_applications,
    reads=GUARD_KINDS,
    example=examples.NAMESPACE,
    see="https://kubernetes.io/docs/concepts/security/pod-security-admission/",
)
def no_policy_mechanism(namespace: Namespace, inventory: Inventory) -> Violations:
    """Nothing checks the pods that are created in this namespace.

    RBAC says who may create a pod, not what the pod may ask for. Without a policy in between, a user who may
    create pods may create a privileged one. A Pod Security level counts, a validating webhook that is asked about
    every pod, and an admission policy that a binding makes deny; webhooks that only mutate do not.

    Fix: enforce a Pod Security level by label, or cover the namespace with an admission policy.

    Cannot see: what a webhook or policy really refuses; policies kept outside the cluster.
    """
    if not enforces(namespace.labels, "baseline") and not policies_guard(namespace, inventory):
        yield Set(f"metadata.labels[{ENFORCE}]", YOUR_VALUE)
