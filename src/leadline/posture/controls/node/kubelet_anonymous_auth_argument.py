"""Anonymous requests to the kubelet are not switched off.

An anonymous caller is only as harmless as the authorisation behind it; the benchmark asks for both locks.

Fix: set ``authentication.anonymous.enabled: false``, or ``--anonymous-auth=false``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_ANONYMOUS_AUTH_ARGUMENT = not_built(
    "C-0172",
    "Ensure that the --anonymous-auth argument is set to false",
    problem="Kubelet flag allows anonymous requests",
    consequence="cluster takeover",
    score=10.0,
    reference_score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
