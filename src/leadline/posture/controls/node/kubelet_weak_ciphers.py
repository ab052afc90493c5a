"""The kubelet accepts weak ciphers.

Old ciphers can be broken by anyone who records the traffic between API server and node.

Fix: list strong suites in ``tlsCipherSuites``.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: tlsCipherSuites, value: ["TLS_RSA_WITH_AES_128_CBC_SHA"], origin: file, givenBy: "/var/lib/kubelet/config.yaml"}
      - {name: tlsMinVersion, value: "", origin: default, givenBy: "kubelet v1.36.3"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.cipher_suites import ACCEPTED_SUITES
from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0184",
    "Ensure that the Kubelet only makes use of Strong Cryptographic Ciphers",
    problem="Kubelet allows weak ciphers",
    consequence="other",
    score=3.0,
    reference_score=5.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_weak_ciphers(node: Resource) -> Violations:
    setting = held(node, "tlsCipherSuites")
    if held(node, "tlsMinVersion").value == "VersionTLS13":
        return
    weak = [suite for suite in setting.value if suite not in ACCEPTED_SUITES]
    if weak or not setting.value:
        yield setting.instead(f"suites without {', '.join(weak)}" if weak else "the suites that you allow")
