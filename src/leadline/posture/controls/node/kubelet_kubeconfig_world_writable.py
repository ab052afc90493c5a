"""The kubelet's kubeconfig on an EKS node may be written by others than root.

Another server in it, and the node obeys an attacker.

Fix: set the mode to 644 or stricter.

See: https://docs.aws.amazon.com/eks/latest/best-practices/
"""

from leadline.posture.control import not_built

KUBELET_KUBECONFIG_WORLD_WRITABLE = not_built(
    "C-0238",
    "Ensure that the kubeconfig file permissions are set to 644 or more restrictive",
    problem="Kubelet kubeconfig: world-writable",
    consequence="cluster takeover",
    score=7.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
    cloud="EKS",
)
