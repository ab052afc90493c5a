"""Owners and modes of the files of the network plugin."""

from leadline.posture.checks.host_files import NETWORK
from leadline.posture.control_families import NodeFile, loose_mode, other_owner

CNI_FILES = NodeFile(
    NETWORK,
    ("CNIConfigFiles",),
    "/etc/cni/net.d/10-bridge.conflist",
    "the files of the network plugin",
    is_list=True,
    category="Network",
)

cni_files_readable = loose_mode(
    "C-0100",
    "Ensure that the Container Network Interface file permissions are set to 600 or more restrictive",
    CNI_FILES,
    "They say how each pod is joined to the network, and may hold a token of the plugin.",
    problem="CNI files: loose file mode",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
)
cni_files_not_owned_by_root = other_owner(
    "C-0101",
    "Ensure that the Container Network Interface file ownership is set to root:root",
    CNI_FILES,
    "The plugin runs as root for each new pod; anyone who owns its files runs code as root.",
    problem="CNI files: owner not root",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    first="The files of the network plugin do not belong to root.",
)
