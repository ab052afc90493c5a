"""Keys and certificates of the cluster do not belong to root.

With the key of the certificate authority anyone can be made, administrators included.

Fix: make ``root:root`` the owner of the folder and of all that is in it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      PKIFiles: [{path: /etc/kubernetes/pki/ca.crt, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}]

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0110",
    "Ensure that the Kubernetes PKI directory and file ownership is set to root:root",
    problem="PKI files: owner not root",
    consequence="cluster takeover",
    score=7.0,
    reference_score=8.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def pki_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "PKIDir", "PKIFiles")
