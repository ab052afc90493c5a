"""Users other than root may read or write the scheduler's static pod manifest.

It shows where the scheduler listens and which credentials it uses.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

SCHEDULER_MANIFEST_READABLE = not_built(
    "C-0096",
    "Ensure that the scheduler pod specification file permissions are set to 600 or more restrictive",
    problem="Scheduler manifest: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
