"""The kubelet lets every caller do everything.

``AlwaysAllow`` means that anyone who reaches the port and logs in may run commands in any pod of the node.

Fix: set ``authorization.mode: Webhook``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_ALLOWS_EVERYTHING = not_built(
    "C-0173",
    "Ensure that the --authorization-mode argument is not set to AlwaysAllow",
    problem="Kubelet allows every request",
    consequence="cluster takeover",
    score=10.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
