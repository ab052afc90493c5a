"""The API server's static pod manifest does not belong to root.

Anyone who owns the file can switch authorisation off with one line, and the kubelet restarts the server with
it.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      APIServerInfo:
        specsFile: {path: /etc/kubernetes/manifests/kube-apiserver.yaml, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0093",
    "Ensure that the API server pod specification file ownership is set to root:root",
    problem="API server manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def api_server_manifest_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "APIServerInfo.specsFile")
