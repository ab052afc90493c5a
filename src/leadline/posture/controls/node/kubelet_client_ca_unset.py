"""No CA is set for callers of the kubelet.

The API server's own certificate then counts for nothing, and weaker ways to log in have to stay open.

Fix: set ``authentication.x509.clientCAFile``, or ``--client-ca-file``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_CLIENT_AUTHORITY_UNSET = not_built(
    "C-0174",
    "Ensure that the --client-ca-file argument is set as appropriate",
    problem="Kubelet has no client CA",
    consequence="cluster takeover",
    score=7.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
