"""The kubelet does not set up the packet filter chains it is meant to.

Rules written by hand may drop or open traffic that Kubernetes counts on.

Fix: leave ``makeIPTablesUtilChains`` at ``true``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_LEAVES_IPTABLES = not_built(
    "C-0178",
    "Ensure that the --make-iptables-util-chains argument is set to true",
    problem="Kubelet leaves iptables alone",
    consequence="other",
    score=2.0,
    reference_score=3.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
