"""The kubelet may drop events when many come at once.

A burst is when they matter; what was dropped cannot be looked up afterwards.

Fix: set ``eventRecordQPS`` to a rate that the node really reaches, or to 0, which leaves it to the client library (5 a second).

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: eventRecordQPS, value: 1, origin: file, givenBy: "/var/lib/kubelet/config.yaml"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control

LEAST = 5
"""Events a second that client libraries allow where nothing is said."""


@control(
    "C-0180",
    "Ensure that the --event-qps argument is set to 0 or a level which ensures appropriate event capture",
    problem="Kubelet drops events",
    consequence="other",
    score=2.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_drops_events(node: Resource) -> Violations:
    setting = held(node, "eventRecordQPS")
    if 0 < setting.value < LEAST:
        yield setting.instead("0")
