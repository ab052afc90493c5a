"""The kubelet offers its read-only port.

Without any login it shows the pods of the node, their images, addresses and states.

Fix: set ``readOnlyPort: 0``.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: readOnlyPort, value: 10255, origin: file, givenBy: "/var/lib/kubelet/config.yaml"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0175",
    "Verify that the --read-only-port argument is set to 0",
    problem="Kubelet read-only port is open",
    consequence="reachable from outside",
    score=5.0,
    reference_score=4.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_read_only_port(node: Resource) -> Violations:
    setting = held(node, "readOnlyPort")
    if setting.value != 0:
        yield setting.instead("0")
