"""``scheduler.conf`` does not belong to root.

Its owner can put other credentials or another server in place.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      schedulerInfo:
        configFile: {path: /etc/kubernetes/scheduler.conf, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0107",
    "Ensure that the scheduler.conf file ownership is set to root:root",
    problem="scheduler.conf: owner not root",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def scheduler_kubeconfig_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "schedulerInfo.configFile")
