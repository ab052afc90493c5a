"""The kubelet's kubeconfig does not belong to root.

Its owner can make the kubelet obey another server.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

KUBELET_KUBECONFIG_NOT_OWNED_BY_ROOT = not_built(
    "C-0167",
    "Ensure that the --kubeconfig kubelet.conf file ownership is set to root:root",
    problem="Kubelet kubeconfig: owner not root",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
