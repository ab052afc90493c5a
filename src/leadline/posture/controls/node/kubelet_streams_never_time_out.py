"""Idle connections to pods through the kubelet stay open for ever.

A forgotten ``exec`` session is an open door, and enough of them take up the node's ports.

Fix: set ``streamingConnectionIdleTimeout`` to some hours at most, never to 0.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: streamingConnectionIdleTimeout, value: "0", origin: flag, givenBy: "--streaming-connection-idle-timeout"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.kube.kubelet_settings import is_zero
from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0176",
    "Ensure that the --streaming-connection-idle-timeout argument is not set to 0",
    problem="Kubelet streams never time out",
    consequence="availability",
    score=2.0,
    reference_score=3.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_streams_never_time_out(node: Resource) -> Violations:
    setting = held(node, "streamingConnectionIdleTimeout")
    if is_zero(setting.value):
        yield setting.instead("4h")
