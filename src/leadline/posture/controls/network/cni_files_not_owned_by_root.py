"""The files of the network plugin do not belong to root.

The plugin runs as root for each new pod; anyone who owns its files runs code as root.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

CNI_FILES_NOT_OWNED_BY_ROOT = not_built(
    "C-0101",
    "Ensure that the Container Network Interface file ownership is set to root:root",
    problem="CNI files: owner not root",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Network",
    needs="files and settings of the nodes",
)
