"""Users other than root may read or write ``admin.conf``.

The file holds a certificate that may do everything; reading it is being the administrator.

Fix: set the mode to 600 on every node that has it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      adminConfigFile: {path: /etc/kubernetes/admin.conf, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0104",
    "Ensure that the admin.conf file permissions are set to 600",
    problem="admin.conf: loose file mode",
    consequence="cluster takeover",
    score=8.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def admin_kubeconfig_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "adminConfigFile", "superAdminConfigFile")
