"""An entry on AKS is public, or ends in clear text.

A public load balancer in front of plain HTTP lets anyone on the way read and change what passes.

Fix: keep the load balancer internal and put an Application Gateway with a certificate in front.

Example::

    apiVersion: v1
    kind: Service
    metadata: {name: web}
    spec:
      type: LoadBalancer
      ports: [{port: 443}]

Cannot see: pods that end the encryption themselves; gateways set up outside the cluster.

See: https://learn.microsoft.com/en-us/azure/aks/internal-lb
"""

from leadline.posture.control import Inventory, Resource, Review, Set, Violations, control, mapping

INTERNAL = "service.beta.kubernetes.io/azure-load-balancer-internal"
CLASS = "kubernetes.io/ingress.class"
GATEWAY = "azure/application-gateway"


def is_entry(resource: Resource) -> bool:
    return resource.kind == "Ingress" or mapping(resource.body.get("spec")).get("type") == "LoadBalancer"


def is_internal(service: Resource) -> bool:
    annotations = mapping(mapping(service.body.get("metadata")).get("annotations"))
    return is_entry(service) and str(annotations.get(INTERNAL)).lower() == "true"


@control(
    "C-0245",
    "Encrypt traffic to HTTPS load balancers with TLS certificates",
    problem="Public entry without TLS",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=("Service", "Ingress.networking.k8s.io"),
    applies=is_entry,
    cloud="AKS",
)
def public_entry_without_tls(resource: Resource, inventory: Inventory) -> Violations:
    if resource.kind == "Service":
        if not is_internal(resource):
            yield Review(f"metadata.annotations[{INTERNAL}]")
    elif balancer := inventory.once(
        "internal balancer", lambda: next(filter(is_internal, inventory.of("Service")), None)
    ):
        inventory.rest_on(balancer)
        annotations = mapping(mapping(resource.body.get("metadata")).get("annotations"))
        if not mapping(resource.body.get("spec")).get("tls"):
            yield Review("spec.tls")
        elif annotations.get(CLASS) != GATEWAY:
            yield Set(f"metadata.annotations[{CLASS}]", GATEWAY)
