"""A pod may start as many processes as it likes.

One fork bomb then uses up the process ids of the node, and nothing else can start.

Fix: set ``podPidsLimit``.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: podPidsLimit, value: -1, origin: default, givenBy: "kubelet v1.36.3"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0284",
    "Ensure that the Kubelet is configured to limit pod PIDS",
    problem="Unlimited processes in a pod",
    consequence="availability",
    score=3.0,
    reference_score=2.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_unlimited_processes(node: Resource) -> Violations:
    setting = held(node, "podPidsLimit")
    if setting.value < 0:
        yield setting.instead("4096")
