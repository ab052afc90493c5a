"""The kubelet's configuration file does not belong to root.

One changed line lets anonymous callers run commands in every pod of the node.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

KUBELET_CONFIGURATION_NOT_OWNED_BY_ROOT = not_built(
    "C-0171",
    "If the kubelet config.yaml configuration file is being used validate file ownership is set to root:root",
    problem="Kubelet config: owner not root",
    consequence="node escape",
    score=6.0,
    reference_score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
