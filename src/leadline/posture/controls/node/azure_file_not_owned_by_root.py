"""The file by which an AKS node speaks to Azure belongs to another user than root.

It names the identity of the node, and in old clusters its password.

Fix: set owner and mode as the node image does: root, 644 or stricter.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      cloudConfigFile: {path: /etc/kubernetes/azure.json, permissions: 384, ownership: {uid: 1000, gid: 1000, username: azureuser, groupname: azureuser}}

Cannot see: access control lists, and who may become root on the node.

See: https://learn.microsoft.com/en-us/azure/aks/cis-kubernetes
"""

from leadline.posture.checks.host_files import KUBELET, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "L-0100",
    "azure.json is owned by root:root",
    problem="azure.json: owner is not root",
    consequence="secrets",
    score=3.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def azure_file_not_owned_by_root(node: Resource) -> Violations:
    return not_owned_by_root(node, "cloudConfigFile")
