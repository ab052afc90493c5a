"""The pod uses the network of its node as its own.

It can listen to the node's traffic, reach services that are bound to the node's loopback address, and no
network policy holds it back.

Fix: take ``hostNetwork`` out and offer the port through a Service.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: proxy}
    spec:
      hostNetwork: true
      containers:
      - {name: proxy, image: "haproxy:3.0"}

Cannot see: whether the pod is part of the network itself, as a CNI plugin is, and has to.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.control import Remove, Violations, Workload, control


@control(
    "C-0041",
    "HostNetwork access",
    problem="Shares the node's network",
    consequence="node escape",
    score=7.0,
    category="Workload / Network",
)
def host_network(workload: Workload) -> Violations:
    if workload.pod.get("hostNetwork") is True:
        yield Remove("hostNetwork")
