"""The kubelet does not ask for a new serving certificate before the old one ends.

Someone then renews by hand, late, and with keys carried from place to place.

Fix: set ``serverTLSBootstrap: true`` and approve the requests.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: serverTLSBootstrap, value: false, origin: default, givenBy: "kubelet v1.36.3"}
      - {name: featureGates, value: {}, origin: default, givenBy: "kubelet v1.36.3"}
      - {name: tlsCertFile, value: "", origin: default, givenBy: "kubelet v1.36.3"}

Cannot see: whether a certificate given by file is renewed by another program; whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0183",
    "Verify that the RotateKubeletServerCertificate argument is set to true",
    problem="Kubelet server certificate not renewed",
    consequence="availability",
    score=3.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_server_certificate_never_renewed(node: Resource) -> Violations:
    setting = held(node, "serverTLSBootstrap")
    gates = held(node, "featureGates")
    if gates.value.get("RotateKubeletServerCertificate") is False:
        yield gates.instead("RotateKubeletServerCertificate: true")
    elif setting.value is not True and not held(node, "tlsCertFile").value:
        yield setting.instead("true")
