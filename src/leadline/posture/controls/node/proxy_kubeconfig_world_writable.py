"""Users other than root may write the kubeconfig of kube-proxy.

It says which API server kube-proxy believes.

Fix: set the mode to 644 or stricter.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeProxyInfo
    metadata: {name: n1}
    spec:
      kubeConfigFile: {path: /var/lib/kube-proxy/kubeconfig, permissions: 438, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://cloud.google.com/kubernetes-engine/docs/concepts/cis-benchmarks
"""

from leadline.posture.checks.host_files import PROXY, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "L-0103",
    "kube-proxy kubeconfig has permissions set to 644 or more restrictive",
    problem="kube-proxy kubeconfig: others may write",
    consequence="node escape",
    score=5.0,
    category="Control plane",
    kinds=(PROXY,),
)
def proxy_kubeconfig_world_writable(node: Resource) -> Violations:
    return looser_than(0o644, node, "kubeConfigFile")
