"""The service file of the kubelet does not belong to root.

systemd starts what is in it as root.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      serviceFiles: [{path: /usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}]

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import KUBELET, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0163",
    "Ensure that the kubelet service file ownership is set to root:root",
    problem="Kubelet service file: owner not root",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_service_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "serviceFiles")
