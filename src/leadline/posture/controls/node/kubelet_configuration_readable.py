"""Users other than root may read or write the kubelet's configuration file.

It shows which authentication and ports the kubelet uses.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

KUBELET_CONFIGURATION_READABLE = not_built(
    "C-0170",
    "If the kubelet config.yaml configuration file is being used validate permissions set to 600 or more restrictive",
    problem="Kubelet config: loose file mode",
    consequence="node escape",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
