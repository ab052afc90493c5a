"""Users other than root may read or write kube-proxy's kubeconfig.

It holds a credential that lists every Service and node.

Fix: set the mode to 600 on every node that has it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeProxyInfo
    metadata: {name: n1}
    spec:
      kubeConfigFile: {path: /var/lib/kube-proxy/kubeconfig, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import PROXY, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0164",
    "If proxy kubeconfig file exists ensure permissions are set to 600 or more restrictive",
    problem="kube-proxy kubeconfig: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(PROXY,),
)
def proxy_kubeconfig_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "kubeConfigFile")
