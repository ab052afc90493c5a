"""``controller-manager.conf`` does not belong to root.

Its owner can have the controllers talk to a server of his own.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

CONTROLLER_MANAGER_KUBECONFIG_NOT_OWNED_BY_ROOT = not_built(
    "C-0109",
    "Ensure that the controller-manager.conf file ownership is set to root:root",
    problem="controller-manager.conf: owner not root",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
