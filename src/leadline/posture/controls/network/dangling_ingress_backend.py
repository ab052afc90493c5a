"""The Ingress names a Service that does not exist.

Requests end in an error page, and anyone who creates a Service of that name later takes them over.

Fix: fix the name, or take the rule out.

Example::

    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    ---
    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: in, namespace: shop}
    spec:
      defaultBackend: {service: {name: gone, port: {number: 80}}}

Cannot see: Services elsewhere. Files are judged only where Services of the namespace are beside the Ingress.

See: https://kubernetes.io/docs/concepts/services-networking/ingress/
"""

from leadline.posture.checks.exposure import backend_services
from leadline.posture.checks.target_completeness import expect
from leadline.posture.control import Inventory, Resource, Review, Violations, control


@control(
    "C-0298",
    "Dangling Ingress backend",
    problem="Ingress to a missing Service",
    consequence="availability",
    score=3.0,
    reference_score=4.0,
    category="Network",
    kinds=("Ingress.networking.k8s.io",),
    reads=("Service",),
)
def dangling_ingress_backend(ingress: Resource, inventory: Inventory) -> Violations:
    for path, name in backend_services(ingress):
        if inventory.get("Service", ingress.namespace or "default", name) is None:
            expect(ingress, ("Service",), inventory, name=name, resolves=leads_to_a_service)
            yield Review(path)


def leads_to_a_service(ingress: Resource, inventory: Inventory) -> bool:
    return any(
        inventory.get("Service", ingress.namespace or "default", name)
        for _, name in backend_services(ingress)
    )
