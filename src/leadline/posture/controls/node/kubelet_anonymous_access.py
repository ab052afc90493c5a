"""The kubelet answers callers who do not say who they are.

Its port can list pods, read logs and, without authorisation, run commands in every container of the node.

Fix: set ``authentication.anonymous.enabled: false``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_ANONYMOUS_ACCESS = not_built(
    "C-0069",
    "Disable anonymous access to Kubelet service",
    problem="Kubelet answers anonymous requests",
    consequence="cluster takeover",
    score=10.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
