"""The file of client CA certificates does not belong to root.

The owner can add a CA of his own.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

CLIENT_AUTHORITIES_NOT_OWNED_BY_ROOT = not_built(
    "C-0169",
    "Ensure that the client certificate authorities file ownership is set to root:root",
    problem="Client CA file: owner not root",
    consequence="cluster takeover",
    score=6.0,
    reference_score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
