"""The kubelet does not check client certificates.

Without a CA to check against, no client can prove to be the API server.

Fix: name the cluster's CA in ``authentication.x509.clientCAFile``.

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
    "C-0070",
    "Enforce Kubelet client TLS authentication",
    problem="Kubelet without client certificates",
    consequence="cluster takeover",
    score=9.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_without_client_certificates(node: Resource) -> Violations:
    setting = held(node, "authentication.x509.clientCAFile")
    if not setting.value:
        yield setting.instead("the file of the CA that signs client certificates")
