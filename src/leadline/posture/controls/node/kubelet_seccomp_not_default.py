"""The kubelet runs containers without a seccomp profile where the pod names none.

With ``seccompDefault`` the runtime's profile is the default, and what a manifest forgets is not left open.

Fix: set ``seccompDefault: true`` in the kubelet's configuration.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: seccompDefault, value: false, origin: default, givenBy: "kubelet v1.36.3"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/tutorials/security/seccomp/#enable-the-use-of-runtimedefault-as-the-default-seccomp-profile-for-all-workloads
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "L-0037",
    "Ensure that the --seccomp-default parameter is set to true",
    problem="Kubelet has no default seccomp profile",
    consequence="node escape",
    score=4.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_seccomp_not_default(node: Resource) -> Violations:
    setting = held(node, "seccompDefault")
    if setting.value is not True:
        yield setting.instead("true")
