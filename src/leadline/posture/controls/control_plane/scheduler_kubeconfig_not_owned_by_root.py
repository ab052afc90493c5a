"""``scheduler.conf`` does not belong to root.

Its owner can put other credentials or another server in place.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

SCHEDULER_KUBECONFIG_NOT_OWNED_BY_ROOT = not_built(
    "C-0107",
    "Ensure that the scheduler.conf file ownership is set to root:root",
    problem="scheduler.conf: owner not root",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
