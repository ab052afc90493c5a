"""The kubelet does not renew its client certificate by itself.

A long-lived certificate that was copied stays good; one that runs out takes the node away.

Fix: leave ``rotateCertificates`` at ``true``.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: rotateCertificates, value: false, origin: default, givenBy: "kubelet v1.36.3"}

Cannot see: certificates that another program renews, as on EKS; whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0182",
    "Ensure that the --rotate-certificates argument is not set to false",
    problem="Kubelet never renews its certificate",
    consequence="availability",
    score=3.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_certificate_never_renewed(node: Resource) -> Violations:
    setting = held(node, "rotateCertificates")
    if setting.value is not True:
        yield setting.instead("true")
