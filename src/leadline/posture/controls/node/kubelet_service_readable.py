"""Users other than root may read or write the service file of the kubelet.

Its flags show which authentication the kubelet asks for, and may name secrets.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

KUBELET_SERVICE_READABLE = not_built(
    "C-0162",
    "Ensure that the kubelet service file permissions are set to 600 or more restrictive",
    problem="Kubelet service file: loose file mode",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
