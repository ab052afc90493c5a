"""Users other than root may read or write the files of the network plugin.

They say how each pod is joined to the network, and may hold a token of the plugin.

Fix: set the mode to 600 on every node that has it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: CNIInfo
    metadata: {name: n1}
    spec:
      CNIConfigFiles: [{path: /etc/cni/net.d/10-bridge.conflist, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}]

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import NETWORK, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0100",
    "Ensure that the Container Network Interface file permissions are set to 600 or more restrictive",
    problem="CNI files: loose file mode",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Network",
    kinds=(NETWORK,),
)
def cni_files_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "CNIConfigFiles")
