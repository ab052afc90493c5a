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

See: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""

from leadline.posture.checks.namespaces import default_namespace
from leadline.posture.control import Resource, Violations, control

KINDS = (
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
OF_KUBERNETES = frozenset(
    {
        ("Service", "kubernetes"),
        ("Endpoints", "kubernetes"),
        ("EndpointSlice", "kubernetes"),
        ("ServiceAccount", "default"),
        ("ConfigMap", "kube-root-ca.crt"),
    }
)
"""What Kubernetes itself keeps in ``default``."""


def is_not_kubernetes_own(resource: Resource) -> bool:
    return (resource.kind, resource.name) not in OF_KUBERNETES or resource.namespace != "default"


@control(
    "C-0212",
    "The default namespace should not be used",
    problem="Object in the default namespace",
    consequence="other",
    score=2.0,
    reference_score=4.0,
    category="Workload",
    kinds=KINDS,
    applies=is_not_kubernetes_own,
)
def object_in_default_namespace(resource: Resource) -> Violations:
    yield from default_namespace(resource)
