"""No CA is set for callers of the kubelet.

The API server's own certificate then counts for nothing, and weaker ways to log in have to stay open.

Fix: set ``authentication.x509.clientCAFile``, or ``--client-ca-file``.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: authentication.x509.clientCAFile, value: "", origin: default, givenBy: "kubelet v1.36.3"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0174",
    "Ensure that the --client-ca-file argument is set as appropriate",
    problem="Kubelet has no client CA",
    consequence="cluster takeover",
    score=7.0,
    reference_score=6.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_client_ca_unset(node: Resource) -> Violations:
    setting = held(node, "authentication.x509.clientCAFile")
    if not setting.value:
        yield setting.instead("the file of the CA that signs client certificates")
