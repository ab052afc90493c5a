"""Users other than root may read or write ``controller-manager.conf``.

It holds credentials that create tokens and read every Secret.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

CONTROLLER_MANAGER_KUBECONFIG_READABLE = not_built(
    "C-0108",
    "Ensure that the controller-manager.conf file permissions are set to 600 or more restrictive",
    problem="controller-manager.conf: loose file mode",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
