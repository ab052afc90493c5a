"""Kube-proxy's kubeconfig does not belong to root.

Its owner can lead kube-proxy, and with it the traffic of the node, elsewhere.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

PROXY_KUBECONFIG_NOT_OWNED_BY_ROOT = not_built(
    "C-0165",
    "If proxy kubeconfig file exists ensure ownership is set to root:root",
    problem="kube-proxy kubeconfig: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
