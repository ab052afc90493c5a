"""Users other than root may read or write the service file of the kubelet.

Its flags show which authentication the kubelet asks for, and may name secrets.

Fix: set the mode to 600 on every node that has it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      serviceFiles: [{path: /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}]

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import KUBELET, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0162",
    "Ensure that the kubelet service file permissions are set to 600 or more restrictive",
    problem="Kubelet service file: loose file mode",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_service_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "serviceFiles")
