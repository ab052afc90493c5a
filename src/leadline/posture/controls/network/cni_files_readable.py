"""Users other than root may read or write the files of the network plugin.

They say how each pod is joined to the network, and may hold a token of the plugin.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

CNI_FILES_READABLE = not_built(
    "C-0100",
    "Ensure that the Container Network Interface file permissions are set to 600 or more restrictive",
    problem="CNI files: loose file mode",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Network",
    needs="files and settings of the nodes",
)
