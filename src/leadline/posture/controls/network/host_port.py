"""A container takes a port of its node.

The port is open on the node's own address, past Services and often past network policies, and only one
such pod fits on each node.

Fix: take ``hostPort`` out and offer the port through a Service.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        ports:
        - {containerPort: 8080, hostPort: 80}

Cannot see: firewalls in front of the nodes.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.control import Container, Remove, Violations, control


@control(
    "C-0044",
    "Container hostPort",
    problem="Port of the node taken (hostPort)",
    consequence="reachable from outside",
    score=4.0,
    category="Network",
)
def host_port(container: Container) -> Violations:
    for i, port in container.ports:
        if port.get("hostPort"):
            yield Remove(f"ports[{i}].hostPort")
