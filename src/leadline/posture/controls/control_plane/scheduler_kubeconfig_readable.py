"""Users other than root may read or write ``scheduler.conf``.

It holds the credentials by which the scheduler binds pods to nodes.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

SCHEDULER_KUBECONFIG_READABLE = not_built(
    "C-0106",
    "Ensure that the scheduler.conf file permissions are set to 600 or more restrictive",
    problem="scheduler.conf: loose file mode",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
