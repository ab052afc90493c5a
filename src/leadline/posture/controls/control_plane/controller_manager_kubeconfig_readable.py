"""Users other than root may read or write ``controller-manager.conf``.

It holds credentials that create tokens and read every Secret.

Fix: set the mode to 600 on every node that has it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      controllerManagerInfo:
        configFile: {path: /etc/kubernetes/controller-manager.conf, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0108",
    "Ensure that the controller-manager.conf file permissions are set to 600 or more restrictive",
    problem="controller-manager.conf: loose file mode",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def controller_manager_kubeconfig_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "controllerManagerInfo.configFile")
