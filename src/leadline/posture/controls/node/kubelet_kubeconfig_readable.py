"""Users other than root may read or write the kubelet's kubeconfig.

It holds the identity of the node: its pods and the Secrets they mount can be read with it.

Fix: set the mode to 600 on every node that has it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      kubeConfigFile: {path: /etc/kubernetes/kubelet.conf, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import KUBELET, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0166",
    "Ensure that the --kubeconfig kubelet.conf file permissions are set to 600 or more restrictive",
    problem="Kubelet kubeconfig: loose file mode",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_kubeconfig_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "kubeConfigFile")
