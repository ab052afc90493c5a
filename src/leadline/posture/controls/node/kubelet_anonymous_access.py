"""The kubelet answers callers who do not say who they are.

Its port can list pods, read logs and, without authorisation, run commands in every container of the node.

Fix: set ``authentication.anonymous.enabled: false``.

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
    "C-0069",
    "Disable anonymous access to Kubelet service",
    problem="Kubelet answers anonymous requests",
    consequence="cluster takeover",
    score=10.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_anonymous_access(node: Resource) -> Violations:
    setting = held(node, "authentication.anonymous.enabled")
    if setting.value is True:
        yield setting.instead("false")
