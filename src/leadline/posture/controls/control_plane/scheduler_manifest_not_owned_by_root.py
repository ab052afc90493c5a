"""The scheduler's static pod manifest does not belong to root.

Anyone who may edit it decides what runs as the scheduler on this node, with its credentials.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      schedulerInfo:
        specsFile: {path: /etc/kubernetes/manifests/kube-scheduler.yaml, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0097",
    "Ensure that the scheduler pod specification file ownership is set to root:root",
    problem="Scheduler manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def scheduler_manifest_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "schedulerInfo.specsFile")
