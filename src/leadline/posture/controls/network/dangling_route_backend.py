"""The route names a Service that does not exist.

Requests end in an error, and anyone who creates a Service of that name later takes them over.

Fix: fix the name or the namespace, or take the backend out.

Example::

    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    ---
    apiVersion: gateway.networking.k8s.io/v1
    kind: HTTPRoute
    metadata: {name: r, namespace: shop}
    spec:
      rules:
      - backendRefs: [{name: gone, port: 80}]

Cannot see: Services elsewhere. Files are judged only where Services of the namespace are beside the route.

See: https://gateway-api.sigs.k8s.io/
"""

from leadline.posture.checks.exposure import ROUTES, route_services
from leadline.posture.checks.target_completeness import expect
from leadline.posture.control import Inventory, Resource, Review, Violations, control

KINDS = tuple(f"{kind}.gateway.networking.k8s.io" for kind in ROUTES)


@control(
    "C-0302",
    "Dangling Gateway API backend",
    problem="Route to a missing Service",
    consequence="availability",
    score=3.0,
    reference_score=4.0,
    category="Network",
    kinds=KINDS,
    reads=("Service",),
)
def dangling_route_backend(route: Resource, inventory: Inventory) -> Violations:
    for path, namespace, name in route_services(route):
        if inventory.get("Service", namespace, name) is None:
            expect(route, ("Service",), inventory, namespace, name=name, resolves=leads_to_a_service)
            yield Review(path)


def leads_to_a_service(route: Resource, inventory: Inventory) -> bool:
    return any(inventory.get("Service", namespace, name) for _, namespace, name in route_services(route))
