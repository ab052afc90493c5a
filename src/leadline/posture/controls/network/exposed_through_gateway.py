"""The workload can be reached from outside through a Gateway or an Istio ingress.

Routes are often written by others than those who run the workload, so that it is open without its owners
knowing.

Fix: name only the Services that are meant to be public in routes; keep the others in a gateway of their
own.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
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
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: r, namespace: shop}
    spec:
      rules:
      - backendRefs: [{name: web, port: 80}]

Cannot see: where a Gateway itself can be reached from; firewalls in front.

See: https://gateway-api.sigs.k8s.io/
"""

from itertools import islice

from leadline.posture.checks.exposure import MOST_WAYS, ROUTE_KINDS, gateway_exposures
from leadline.posture.checks.istio import MESH_KINDS, mesh_exposures
from leadline.posture.control import Inventory, Review, Violations, Workload, control


@control(
    "C-0266",
    "Exposure to internet via Gateway API or Istio Ingress",
    problem="Exposed through a gateway",
    consequence="reachable from outside",
    score=5.0,
    reference_score=7.0,
    category="Network",
    reads=("Service", *ROUTE_KINDS, *MESH_KINDS),
)
def exposed_through_gateway(workload: Workload, inventory: Inventory) -> Violations:
    for way in islice(gateway_exposures(workload, inventory), MOST_WAYS):
        yield Review(way.path, on=way.through.id)
        if way.service is not None:
            yield Review(
                "", on=way.service.id, advice="it leads to these pods: close it, or put a login in front"
            )
    for mesh in islice(mesh_exposures(workload, inventory), MOST_WAYS):
        yield Review(mesh.path, on=mesh.virtual_service.id)
        for part in (mesh.entry, mesh.gateway, mesh.service):
            if part is not None:
                yield Review(
                    "", on=part.id, advice="it leads to these pods: close it, or put a login in front"
                )
