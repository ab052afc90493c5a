"""The cluster's private keys can be read by others than root.

Anyone who reads the key of the CA can sign a certificate for any user, valid for years.

Fix: set the mode of the ``.key`` files to 600, and change the keys if they were open.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      PKIFiles: [{path: /etc/kubernetes/pki/ca.key, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}]

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0112",
    "Ensure that the Kubernetes PKI key file permissions are set to 600",
    problem="PKI keys: loose file mode",
    consequence="cluster takeover",
    score=9.0,
    reference_score=8.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def pki_keys_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "PKIFiles", ending=".key")
