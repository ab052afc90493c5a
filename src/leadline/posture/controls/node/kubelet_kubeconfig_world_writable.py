"""The kubelet's kubeconfig on an EKS node may be written by others than root.

Another server in it, and the node obeys an attacker.

Fix: set the mode to 644 or stricter.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      kubeConfigFile: {path: /etc/kubernetes/kubelet.conf, permissions: 436, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://docs.aws.amazon.com/eks/latest/best-practices/
"""

from leadline.posture.checks.host_files import KUBELET, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0238",
    "Ensure that the kubeconfig file permissions are set to 644 or more restrictive",
    problem="Kubelet kubeconfig: world-writable",
    consequence="cluster takeover",
    score=7.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_kubeconfig_world_writable(node: Resource) -> Violations:
    return looser_than(0o644, node, "kubeConfigFile")
