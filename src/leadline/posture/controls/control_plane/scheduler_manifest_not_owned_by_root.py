"""The scheduler's static pod manifest does not belong to root.

Anyone who may edit it decides what runs as the scheduler on this node, with its credentials.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

SCHEDULER_MANIFEST_NOT_OWNED_BY_ROOT = not_built(
    "C-0097",
    "Ensure that the scheduler pod specification file ownership is set to root:root",
    problem="Scheduler manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
