"""The Service selects no pod of its namespace.

Requests to it fail, or anyone who creates a pod with these labels gets the traffic that was meant for another.

Fix: fix the selector, or delete the Service.

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
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec: {selector: {app: gone}}

Cannot see: pods that are made by hand or by an operator. Files are judged only where workloads of the namespace
are beside the Service, and no custom resource is called as its selector says.

See: https://kubernetes.io/docs/concepts/services-networking/service/
"""

from leadline.kube.selector import compile_pairs, without_controller_labels
from leadline.posture.checks.target_completeness import expect_pods
from leadline.posture.control import (
    WORKLOADS,
    Inventory,
    NotJudged,
    Resource,
    Review,
    Violations,
    control,
    mapping,
)


def selects_pods(service: Resource) -> bool:
    spec = mapping(service.body.get("spec"))
    return spec.get("type") != "ExternalName" and bool(mapping(spec.get("selector")))


@control(
    "C-0293",
    "Service with no workload",
    problem="Service without pods",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Workload",
    kinds=("Service",),
    applies=selects_pods,
    reads=(WORKLOADS,),
)
def service_without_pods(service: Resource, inventory: Inventory) -> Violations:
    pairs = without_controller_labels(mapping(service.body.get("spec")).get("selector"))
    if pairs is None:
        raise NotJudged("only controllers give pods the labels it asks for")
    if not inventory.selects_any_pod(service.namespace, pairs, compile_pairs(pairs)):
        expect_pods(service, mapping(pairs), inventory)
        yield Review("spec.selector")
