"""The kubelet's configuration file does not belong to root.

One changed line lets anonymous callers run commands in every pod of the node.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      configFile: {path: /var/lib/kubelet/config.yaml, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import KUBELET, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0171",
    "If the kubelet config.yaml configuration file is being used validate file ownership is set to root:root",
    problem="Kubelet config: owner not root",
    consequence="node escape",
    score=6.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_configuration_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "configFile", "dropInFiles")
