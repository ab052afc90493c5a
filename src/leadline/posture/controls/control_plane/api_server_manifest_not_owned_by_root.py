"""The API server's static pod manifest does not belong to root.

Anyone who owns the file can switch authorisation off with one line, and the kubelet restarts the server with
it.

Fix: make ``root:root`` its owner.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

API_SERVER_MANIFEST_NOT_OWNED_BY_ROOT = not_built(
    "C-0093",
    "Ensure that the API server pod specification file ownership is set to root:root",
    problem="API server manifest: owner not root",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
