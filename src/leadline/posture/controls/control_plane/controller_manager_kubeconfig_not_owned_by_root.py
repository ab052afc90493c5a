"""``controller-manager.conf`` does not belong to root.

Its owner can have the controllers talk to a server of his own.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      controllerManagerInfo:
        configFile: {path: /etc/kubernetes/controller-manager.conf, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0109",
    "Ensure that the controller-manager.conf file ownership is set to root:root",
    problem="controller-manager.conf: owner not root",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def controller_manager_kubeconfig_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "controllerManagerInfo.configFile")
