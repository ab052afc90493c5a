"""Users other than root may read or write the file of client CA certificates.

A changed list of CAs lets attackers in under any name.
kubeadm itself makes the file with mode 644: a node as it comes out of kubeadm fails, and what is in the file is no secret.

Fix: set the mode to 600 on every node that has it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      clientCAFile: {path: /etc/kubernetes/pki/ca.crt, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import KUBELET, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0168",
    "Ensure that the certificate authorities file permissions are set to 600 or more restrictive",
    problem="Client CA file: loose file mode",
    consequence="cluster takeover",
    score=2.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def client_ca_file_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "clientCAFile")
