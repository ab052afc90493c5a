"""Kube-proxy's kubeconfig does not belong to root.

Its owner can lead kube-proxy, and with it the traffic of the node, elsewhere.

Fix: make ``root:root`` its owner.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeProxyInfo
    metadata: {name: n1}
    spec:
      kubeConfigFile: {path: /var/lib/kube-proxy/kubeconfig, permissions: 384, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import PROXY, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0165",
    "If proxy kubeconfig file exists ensure ownership is set to root:root",
    problem="kube-proxy kubeconfig: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(PROXY,),
)
def proxy_kubeconfig_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "kubeConfigFile")
