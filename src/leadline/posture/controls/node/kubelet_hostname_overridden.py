"""The kubelet uses another name than its node has.

Certificates and audit entries then speak of a name that no machine carries, and rules by node name go
wrong.

Fix: take ``--hostname-override`` away, unless the cloud needs it.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: hostnameOverride, value: "node1", origin: flag, givenBy: "--hostname-override"}

Cannot see: why the name was given: kubeadm writes it where the node is called otherwise than its machine.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Review, Violations, control


@control(
    "C-0179",
    "Ensure that the --hostname-override argument is not set",
    problem="Kubelet uses another host name",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_hostname_overridden(node: Resource) -> Violations:
    setting = held(node, "hostnameOverride")
    if setting.value:
        yield Review(setting.place, advice=f"remove --hostname-override={setting.value}"[:500])
