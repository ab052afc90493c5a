"""The Service selects no pod of its namespace.

Requests to it fail, or whoever creates a pod with these labels gets the traffic that was meant for another.

Fix: mend the selector, or delete the Service.

Example::

    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec: {selector: {app: gone}}

Cannot see: workloads that are not part of the target.

See: https://kubernetes.io/docs/concepts/services-networking/service/
"""

from leadline.posture.control import (
    WORKLOADS,
    Inventory,
    Resource,
    Review,
    Violations,
    compile_pairs,
    control,
    mapping,
)


def selects_pods(service: Resource) -> bool:
    spec = mapping(service.body.get("spec"))
    return spec.get("type") != "ExternalName" and bool(mapping(spec.get("selector")))


@control(
    "C-0293",
    "Service with no workload",
    score=3.0,
    category="Workload",
    kinds=("Service",),
    applies=selects_pods,
    reads=(WORKLOADS,),
)
def service_without_pods(service: Resource, inventory: Inventory) -> Violations:
    pairs = mapping(service.body.get("spec")).get("selector")
    if not inventory.selects_any_pod(service.namespace, pairs, compile_pairs(pairs)):
        yield Review("spec.selector")
