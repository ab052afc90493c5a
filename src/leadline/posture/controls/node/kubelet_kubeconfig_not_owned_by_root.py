"""The kubelet's kubeconfig does not belong to root.

Its owner can make the kubelet obey another server.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      kubeConfigFile: {path: /etc/kubernetes/kubelet.conf, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import KUBELET, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0167",
    "Ensure that the --kubeconfig kubelet.conf file ownership is set to root:root",
    problem="Kubelet kubeconfig: owner not root",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_kubeconfig_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "kubeConfigFile")
