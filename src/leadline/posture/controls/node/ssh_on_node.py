"""An SSH server answers on a node.

Someone who signs in to a node passes by the API server, its rights and its audit log.

Fix: stop and disable it; reach nodes through the serial console of the cloud or ``kubectl debug``.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: OpenPortsList
    metadata: {name: n1}
    spec:
      tcpPorts: [{transport: tcp, localAddress: "00000000", localPort: 22}]

Cannot see: servers on other ports.

See: https://kubernetes.io/docs/concepts/security/security-checklist/
"""

from leadline.posture.checks.host_files import GROUP, facts_root
from leadline.posture.control import NotJudged, Resource, Review, Violations, control, mappings

PORTS = f"OpenPortsList.{GROUP}"
SSH = 22
LOOPBACK = ("0100007F", "127.0.0.1", "00000000000000000000000001000000", "::1")


@control(
    "L-0097",
    "No SSH server runs on the nodes",
    problem="SSH server on a node",
    consequence="other",
    score=3.0,
    category="Control plane",
    kinds=(PORTS,),
)
def ssh_on_node(node: Resource) -> Violations:
    root, body = facts_root(node)
    if "tcpPorts" not in body:
        raise NotJudged(f"the ports of node {node.name} are not in its facts")
    for index, port in mappings(body.get("tcpPorts")):
        if port.get("localPort") == SSH and port.get("localAddress") not in LOOPBACK:
            yield Review(f"{root}.tcpPorts[{index}]", advice="stop and disable the SSH server")
