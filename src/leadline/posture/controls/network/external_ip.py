"""The Service takes traffic for an IP address that nothing checks to be its own.

Every node then sends connections of pods to that address to this Service: an address of another program, inside or
outside the cluster, can be taken over (CVE-2020-8554).

Fix: use a load balancer or an Ingress, and switch the admission plugin DenyServiceExternalIPs on.

Example::

    apiVersion: v1
    kind: Service
    metadata: {name: web, namespace: shop}
    spec:
      selector: {app: web}
      ports: [{port: 80}]
      externalIPs: [192.0.2.7]

Cannot see: whether the address is that of a load balancer of yours.

See: https://github.com/kubernetes/kubernetes/issues/97076
"""

from leadline.posture.control import Resource, Review, Violations, control, mapping, sequence


@control(
    "L-0048",
    "Services take no external IP",
    problem="Service takes an external IP",
    consequence="other",
    score=4.0,
    category="Network",
    kinds=("Service",),
)
def external_ip(service: Resource) -> Violations:
    for i, _ in enumerate(sequence(mapping(service.body.get("spec")).get("externalIPs"))):
        yield Review(f"spec.externalIPs[{i}]")
