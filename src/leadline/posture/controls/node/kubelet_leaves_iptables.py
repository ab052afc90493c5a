"""The kubelet does not set up the packet filter chains it is meant to.

Rules written by hand may drop or open traffic that Kubernetes counts on.

Fix: leave ``makeIPTablesUtilChains`` at ``true``.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: KubeletInfo
    metadata: {name: n1}
    spec:
      settings:
      - {name: makeIPTablesUtilChains, value: false, origin: file, givenBy: "/var/lib/kubelet/config.yaml"}

Cannot see: whether the kubelet was started again after its files changed.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.checks.host_files import KUBELET
from leadline.posture.checks.kubelet import held
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0178",
    "Ensure that the --make-iptables-util-chains argument is set to true",
    problem="Kubelet leaves iptables alone",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Control plane",
    kinds=(KUBELET,),
)
def kubelet_leaves_iptables(node: Resource) -> Violations:
    setting = held(node, "makeIPTablesUtilChains")
    if setting.value is not True:
        yield setting.instead("true")
