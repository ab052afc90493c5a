"""The controller manager's static pod manifest does not belong to root.

The controller manager holds rights over nearly every object; its owner on disk holds them too.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      controllerManagerInfo:
        specsFile: {path: /etc/kubernetes/manifests/kube-controller-manager.yaml, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0095",
    "Ensure that the controller manager pod specification file ownership is set to root:root",
    problem="Controller manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def controller_manager_manifest_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "controllerManagerInfo.specsFile")
