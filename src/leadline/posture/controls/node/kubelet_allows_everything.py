"""The kubelet lets every caller do everything.

``AlwaysAllow`` means that anyone who reaches the port and logs in may run commands in any pod of the node.

Fix: set ``authorization.mode: Webhook``.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: authorization.mode, value: "AlwaysAllow", origin: flag, givenBy: "--authorization-mode"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0173",
    "Ensure that the --authorization-mode argument is not set to AlwaysAllow",
    problem="Kubelet allows every request",
    consequence="cluster takeover",
    score=10.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_allows_everything(node: Resource) -> Violations:
    setting = held(node, "authorization.mode")
    if setting.value == "AlwaysAllow":
        yield setting.instead("Webhook")
