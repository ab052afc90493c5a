"""Users other than root may read or write the controller manager's static pod manifest.

It names the key that signs service account tokens and the flags that say who gets one.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

CONTROLLER_MANAGER_MANIFEST_READABLE = not_built(
    "C-0094",
    "Ensure that the controller manager pod specification file permissions are set to 600 or more restrictive",
    problem="Controller manifest: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
