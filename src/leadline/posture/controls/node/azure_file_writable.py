"""Users other than root may change the file by which an AKS node speaks to Azure.

It names the identity of the node, and in old clusters its password.

Fix: set owner and mode as the node image does: root, 644 or stricter.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      cloudConfigFile: {path: /etc/kubernetes/azure.json, permissions: 436, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://learn.microsoft.com/en-us/azure/aks/cis-kubernetes
"""

from leadline.posture.checks.host_files import KUBELET, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "L-0099",
    "azure.json has permissions set to 644 or more restrictive",
    problem="azure.json: loose file mode",
    consequence="secrets",
    score=5.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def azure_file_writable(node: Resource) -> Violations:
    return looser_than(0o644, node, "cloudConfigFile")
