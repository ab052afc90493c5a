"""``admin.conf`` does not belong to root.

An owner other than root can read it at any time, whatever the mode says.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

ADMIN_KUBECONFIG_NOT_OWNED_BY_ROOT = not_built(
    "C-0105",
    "Ensure that the admin.conf file ownership is set to root:root",
    problem="admin.conf: owner not root",
    consequence="cluster takeover",
    score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
