"""Anonymous requests to the kubelet are not switched off.

An anonymous caller is only as harmless as the authorisation behind it; the benchmark asks for both locks.

Fix: set ``authentication.anonymous.enabled: false``, or ``--anonymous-auth=false``.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: authentication.anonymous.enabled, value: true, origin: flag, givenBy: "--anonymous-auth"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0172",
    "Ensure that the --anonymous-auth argument is set to false",
    problem="Kubelet flag allows anonymous requests",
    consequence="cluster takeover",
    score=10.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_anonymous_auth_argument(node: Resource) -> Violations:
    setting = held(node, "authentication.anonymous.enabled")
    if setting.value is True:
        yield setting.instead("false")
