"""Users other than root may read or write kube-proxy's kubeconfig.

It holds a credential that lists every Service and node.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

PROXY_KUBECONFIG_READABLE = not_built(
    "C-0164",
    "If proxy kubeconfig file exists ensure permissions are set to 600 or more restrictive",
    problem="kube-proxy kubeconfig: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
