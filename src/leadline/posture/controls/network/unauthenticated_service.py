"""A Service of the workload was found to answer without asking who is there.

A database or a queue without a password opens everything to anyone who reaches its port.

Fix: switch authentication on in the program, and let only its own clients reach it.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop, labels: {app: web}}
    spec:
      template:
        metadata: {labels: {app: web, tier: front}}
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}
    ---
    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec: {selector: {app: web}}
    ---
    apiVersion: kubescape.io/v1
    kind: ServiceScanResult
    metadata: {name: web, namespace: shop}
    spec:
      ports: [{port: 6379, authenticated: false}]

Cannot see: Services that have not been tried.

See: https://kubernetes.io/docs/concepts/services-networking/service/
"""

from leadline.posture.control import Inventory, Review, Violations, Workload, control, mapping, mappings

RESULT = "ServiceScanResult.kubescape.io"


@control(
    "C-0274",
    "Verify Authenticated Service",
    problem="Service without authentication",
    consequence="reachable from outside",
    score=7.0,
    category="Network",
    reads=("Service", RESULT),
)
def unauthenticated_service(workload: Workload, inventory: Inventory) -> Violations:
    if not inventory.of(RESULT):
        return
    for service in inventory.services_of(workload):
        result = inventory.get(RESULT, service.namespace or "default", service.name)
        ports = mappings(mapping(result.body.get("spec")).get("ports")) if result else ()
        if result and any(port.get("authenticated") is False for _, port in ports):
            inventory.rest_on(service)
            inventory.rest_on(result)
            yield Review("", on=workload.resource.id, advice="make the program ask for a login")
