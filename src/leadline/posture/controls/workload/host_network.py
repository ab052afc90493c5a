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

from typing import Any

from leadline.posture.checks.pod_security_standards import contexts_of
from leadline.posture.control import Remove, Review, Violations, Workload, control, mapping


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
        if any(is_host_process(context) for _, context in contexts_of(workload)):
            yield Review("hostNetwork")  # the API server asks it of Windows host processes
        else:
            yield Remove("hostNetwork")


def is_host_process(context: dict[str, Any]) -> bool:
    return mapping(context.get("windowsOptions")).get("hostProcess") is True
