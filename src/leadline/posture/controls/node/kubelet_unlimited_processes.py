"""A pod may start as many processes as it likes.

One fork bomb then uses up the process ids of the node, and nothing else can start.

Fix: set ``podPidsLimit``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_UNLIMITED_PROCESSES = not_built(
    "C-0284",
    "Ensure that the Kubelet is configured to limit pod PIDS",
    problem="Unlimited processes in a pod",
    consequence="availability",
    score=3.0,
    reference_score=2.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
