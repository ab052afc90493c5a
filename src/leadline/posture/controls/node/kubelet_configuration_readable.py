"""Users other than root may read or write the kubelet's configuration file.

It shows which authentication and ports the kubelet uses.
kubeadm itself makes the file with mode 644: a node as it comes out of kubeadm fails, and what is in the file is no secret.

Fix: set the mode to 600 on every node that has it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      configFile: {path: /var/lib/kubelet/config.yaml, permissions: 420, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.checks.host_files import KUBELET, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0170",
    "If the kubelet config.yaml configuration file is being used validate permissions set to 600 or more restrictive",
    problem="Kubelet config: loose file mode",
    consequence="node escape",
    score=2.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_configuration_readable(node: Resource) -> Violations:
    return looser_than(0o600, node, "configFile", "dropInFiles")
