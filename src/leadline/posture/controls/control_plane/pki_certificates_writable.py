"""The cluster's certificate files are open to others than root.

A certificate that can be changed can be replaced by one of an intruder's CA.
kubeadm itself makes the file with mode 644: a node as it comes out of kubeadm fails, and what is in the file is no secret.

Fix: set the mode of the ``.crt`` files to 600.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      PKIFiles: [{path: /etc/kubernetes/pki/ca.crt, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}]

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0111",
    "Ensure that the Kubernetes PKI certificate file permissions are set to 600 or more restrictive",
    problem="PKI certificates: loose file mode",
    consequence="cluster takeover",
    score=2.0,
    reference_score=8.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def pki_certificates_writable(node: Resource) -> Violations:
    return looser_than(0o600, node, "PKIFiles", ending=".crt")
