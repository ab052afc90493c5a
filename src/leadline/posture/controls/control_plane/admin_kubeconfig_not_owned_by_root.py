"""``admin.conf`` does not belong to root.

An owner other than root can read it at any time, whatever the mode says.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      adminConfigFile: {path: /etc/kubernetes/admin.conf, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0105",
    "Ensure that the admin.conf file ownership is set to root:root",
    problem="admin.conf: owner not root",
    consequence="cluster takeover",
    score=7.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def admin_kubeconfig_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "adminConfigFile", "superAdminConfigFile")
