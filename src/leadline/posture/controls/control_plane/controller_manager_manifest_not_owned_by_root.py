"""The controller manager's static pod manifest does not belong to root.

The controller manager holds rights over nearly every object; its owner on disk holds them too.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

CONTROLLER_MANAGER_MANIFEST_NOT_OWNED_BY_ROOT = not_built(
    "C-0095",
    "Ensure that the controller manager pod specification file ownership is set to root:root",
    problem="Controller manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
