"""The kubelet may change kernel settings that it finds different from its own.

What was hardened on the node can be undone silently at the next start.

Fix: set ``protectKernelDefaults: true`` and set the values on the node yourself.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: protectKernelDefaults, value: false, origin: default, givenBy: "kubelet v1.36.3"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0177",
    "Ensure that the --protect-kernel-defaults argument is set to true",
    problem="Kubelet changes kernel settings",
    consequence="other",
    score=2.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_changes_kernel_defaults(node: Resource) -> Violations:
    setting = held(node, "protectKernelDefaults")
    if setting.value is not True:
        yield setting.instead("true")
