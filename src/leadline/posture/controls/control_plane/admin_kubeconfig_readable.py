"""Users other than root may read or write ``admin.conf``.

The file holds a certificate that may do everything; reading it is being the administrator.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

ADMIN_KUBECONFIG_READABLE = not_built(
    "C-0104",
    "Ensure that the admin.conf file permissions are set to 600",
    problem="admin.conf: loose file mode",
    consequence="cluster takeover",
    score=8.0,
    reference_score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
