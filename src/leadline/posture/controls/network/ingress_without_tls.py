"""The Ingress takes requests in clear text.

Passwords and session cookies can be read and answers changed by anyone between the user and the cluster.

Fix: list the hosts under ``spec.tls`` with the Secret that holds their certificate; cert-manager can fetch
one.

Example::

    apiVersion: networking.k8s.io/v1
    kind: Ingress
    metadata: {name: web}
    spec:
      defaultBackend: {service: {name: web, port: {number: 80}}}

Cannot see: encryption that ends at a load balancer in front; a default certificate of the controller.

See: https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
"""

from leadline.posture.control import Resource, Set, Violations, control, mapping


@control(
    "C-0263",
    "Ingress uses TLS",
    problem="Ingress without TLS",
    consequence="reachable from outside",
    score=5.0,
    reference_score=7.0,
    category="Network",
    kinds=("Ingress.networking.k8s.io",),
)
def ingress_without_tls(ingress: Resource) -> Violations:
    if not mapping(ingress.body.get("spec")).get("tls"):
        yield Set("spec.tls", "<your-tls-definition>")
