"""Users other than root may read or write the scheduler's static pod manifest.

It shows where the scheduler listens and which credentials it uses.

Fix: set the mode to 600 on every node that has it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      schedulerInfo:
        specsFile: {path: /etc/kubernetes/manifests/kube-scheduler.yaml, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0096",
    "Ensure that the scheduler pod specification file permissions are set to 600 or more restrictive",
    problem="Scheduler manifest: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def scheduler_manifest_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "schedulerInfo.specsFile")
