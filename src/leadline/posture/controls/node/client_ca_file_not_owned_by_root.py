"""The file of client CA certificates does not belong to root.

The owner can add a CA of his own.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      clientCAFile: {path: /etc/kubernetes/pki/ca.crt, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import KUBELET, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0169",
    "Ensure that the client certificate authorities file ownership is set to root:root",
    problem="Client CA file: owner not root",
    consequence="cluster takeover",
    score=6.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def client_ca_file_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "clientCAFile")
