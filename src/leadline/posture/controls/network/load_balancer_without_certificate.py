"""A load balancer on AWS takes port 443 without a certificate of its own.

Nothing then says who ends the encryption and with which certificate; often the traffic continues in clear
text.

Fix: name a certificate in the annotation ``service.beta.kubernetes.io/aws-load-balancer-ssl-cert``.

Example::

    apiVersion: v1
    kind: Service
    metadata: {name: web}
    spec:
      type: LoadBalancer
      ports: [{port: 443}]

Cannot see: pods that end the encryption themselves.

See: https://docs.aws.amazon.com/eks/latest/best-practices/network-security.html
"""

from leadline.posture.control import Resource, Set, Violations, control, mapping, mappings

CERTIFICATE = "service.beta.kubernetes.io/aws-load-balancer-ssl-cert"


def is_load_balancer(service: Resource) -> bool:
    return mapping(service.body.get("spec")).get("type") == "LoadBalancer"


@control(
    "C-0231",
    "Encrypt traffic to HTTPS load balancers with TLS certificates",
    problem="Load balancer without certificate (EKS)",
    consequence="reachable from outside",
    score=5.0,
    category="Network",
    kinds=("Service",),
    applies=is_load_balancer,
    cloud="EKS",
)
def load_balancer_without_certificate(service: Resource) -> Violations:
    ports = mappings(mapping(service.body.get("spec")).get("ports"))
    annotations = mapping(mapping(service.body.get("metadata")).get("annotations"))
    if any(port.get("port") == 443 for _, port in ports) and not any(
        str(a).startswith(CERTIFICATE) for a in annotations
    ):
        yield Set(f"metadata.annotations['{CERTIFICATE}']", "AWS_LOADBALANCER_SSL_CERT")
