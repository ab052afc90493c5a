"""Users other than root may read or write the API server's static pod manifest.

Its flags name the keys of the cluster, and writing to it changes how every request is checked.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

API_SERVER_MANIFEST_READABLE = not_built(
    "C-0092",
    "Ensure that the API server pod specification file permissions are set to 600 or more restrictive",
    problem="API server manifest: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
