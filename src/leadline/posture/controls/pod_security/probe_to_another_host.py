"""A probe or lifecycle hook names a host of its own, so that the kubelet asks another address than the pod's.

The kubelet then sends requests from the node's network wherever the manifest says: to the cloud's metadata
service, or to what listens on the node alone. The rule is part of the standard since Kubernetes 1.34.

Fix: take ``host`` out; the kubelet asks the pod.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        livenessProbe:
          httpGet: {path: /, port: 80, host: 169.254.169.254}

Cannot see: what a mutating admission webhook changes before the rule is asked.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import is_at_least
from leadline.posture.control import Container, Inventory, Remove, Violations, control, mapping, text

HANDLERS = (
    ("livenessProbe", "livenessProbe", ""),
    ("readinessProbe", "readinessProbe", ""),
    ("startupProbe", "startupProbe", ""),
    ("lifecycle.postStart", "lifecycle", "postStart"),
    ("lifecycle.preStop", "lifecycle", "preStop"),
)
"""Each with its path taken apart."""


@control(
    "L-0012",
    "Probes and lifecycle hooks ask the pod itself",
    problem="Probe of another host",
    consequence="other",
    score=3.0,
    category="Workload / Node escape",
)
def probe_to_another_host(container: Container, inventory: Inventory) -> Violations:
    for handler, outer, inner in HANDLERS:
        said = container.body.get(outer)
        if not isinstance(said, dict):
            continue
        said = mapping(said.get(inner)) if inner else said
        for way in ("httpGet", "tcpSocket"):
            if text(mapping(said.get(way)).get("host")) and is_at_least(inventory, 1, 34):
                yield Remove(f"{handler}.{way}.host")
