"""The files of the network plugin do not belong to root.

The plugin runs as root for each new pod; anyone who owns its files runs code as root.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: CNIInfo
    metadata: {name: n1}
    spec:
      CNIConfigFiles: [{path: /etc/cni/net.d/10-bridge.conflist, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}]

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import NETWORK, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0101",
    "Ensure that the Container Network Interface file ownership is set to root:root",
    problem="CNI files: owner not root",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Network",
    kinds=(NETWORK,),
)
def cni_files_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "CNIConfigFiles")
