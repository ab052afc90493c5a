"""The kubelet serves a certificate that clients cannot check.

The API server then cannot distinguish the node from a machine in between.

Fix: set ``tlsCertFile`` and ``tlsPrivateKeyFile``, or let the kubelet ask the cluster for one.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: tlsCertFile, value: "", origin: default, givenBy: "kubelet v1.36.3"}
      - {name: tlsPrivateKeyFile, value: "", origin: default, givenBy: "kubelet v1.36.3"}
      - {name: serverTLSBootstrap, value: false, origin: default, givenBy: "kubelet v1.36.3"}

Cannot see: who signed the certificate; whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0181",
    "Ensure that the --tls-cert-file and --tls-private-key-file arguments are set as appropriate",
    problem="Kubelet signs its own certificate",
    consequence="reachable from outside",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_self_signed_certificate(node: Resource) -> Violations:
    certificate, key = held(node, "tlsCertFile"), held(node, "tlsPrivateKeyFile")
    if held(node, "serverTLSBootstrap").value is True:
        return
    for setting in (certificate, key):
        if not setting.value:
            yield setting.instead("the file that the cluster's CA signed, or serverTLSBootstrap: true")
