"""Users other than root may read or write the kubelet's kubeconfig.

It holds the identity of the node: its pods and the Secrets they mount can be read with it.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

KUBELET_KUBECONFIG_READABLE = not_built(
    "C-0166",
    "Ensure that the --kubeconfig kubelet.conf file permissions are set to 600 or more restrictive",
    problem="Kubelet kubeconfig: loose file mode",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
