"""The autoscaler names a workload that does not exist.

The load it was meant to answer will not be answered, and no error says so before it comes.

Fix: fix the name or the kind, or delete the autoscaler.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec:
      template:
        metadata: {labels: {app: web}}
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}
    ---
    apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: h, namespace: shop}
    spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: gone}}

Cannot see: targets of other kinds, and workloads elsewhere: files are judged only where workloads of that kind
are beside the scaler.

See: https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/
"""

from leadline.posture.checks.target_completeness import expect
from leadline.posture.control import Inventory, Resource, Review, Violations, control, mapping, text

TARGETS = {
    "Deployment": "Deployment.apps",
    "StatefulSet": "StatefulSet.apps",
    "ReplicaSet": "ReplicaSet.apps",
    "ReplicationController": "ReplicationController",
}


def target_of(scaler: Resource) -> tuple[str, str]:
    reference = mapping(mapping(scaler.body.get("spec")).get("scaleTargetRef"))
    return TARGETS.get(text(reference.get("kind")), ""), text(reference.get("name"))


def has_known_kind(scaler: Resource) -> bool:
    return bool(target_of(scaler)[0])


@control(
    "C-0300",
    "Dangling HPA target",
    problem="Autoscaler without target",
    consequence="availability",
    score=2.0,
    reference_score=4.0,
    category="Workload",
    kinds=("HorizontalPodAutoscaler.autoscaling",),
    applies=has_known_kind,
    reads=tuple(TARGETS.values()),
)
def scaler_without_target(scaler: Resource, inventory: Inventory) -> Violations:
    kind, name = target_of(scaler)
    if inventory.get(kind, scaler.namespace or "default", name) is None:
        expect(scaler, (kind,), inventory, name=name, resolves=has_target)
        yield Review("spec.scaleTargetRef.name")


def has_target(scaler: Resource, inventory: Inventory) -> bool:
    kind, name = target_of(scaler)
    return bool(kind) and inventory.get(kind, scaler.namespace or "default", name) is not None
