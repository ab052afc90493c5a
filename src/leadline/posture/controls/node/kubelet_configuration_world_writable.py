"""The kubelet's configuration on an EKS node may be written by others than root.

One changed line in it opens the node to anonymous callers.

Fix: set the mode to 644 or stricter.

See: https://docs.aws.amazon.com/eks/latest/best-practices/
"""

from leadline.posture.control import not_built

KUBELET_CONFIGURATION_WORLD_WRITABLE = not_built(
    "C-0235",
    "Ensure that the kubelet configuration file has permissions set to 644 or more restrictive",
    problem="Kubelet config: world-writable",
    consequence="node escape",
    score=7.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
    cloud="EKS",
)
