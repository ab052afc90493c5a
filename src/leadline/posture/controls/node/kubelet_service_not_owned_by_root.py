"""The service file of the kubelet does not belong to root.

systemd starts what stands in it as root.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

KUBELET_SERVICE_NOT_OWNED_BY_ROOT = not_built(
    "C-0163",
    "Ensure that the kubelet service file ownership is set to root:root",
    problem="Kubelet service file: owner not root",
    consequence="node escape",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
