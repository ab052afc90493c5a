"""The kubelet does not check client certificates.

Without a CA to check against, no client can prove to be the API server.

Fix: name the cluster's CA in ``authentication.x509.clientCAFile``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_WITHOUT_CLIENT_CERTIFICATES = not_built(
    "C-0070",
    "Enforce Kubelet client TLS authentication",
    problem="Kubelet without client certificates",
    consequence="cluster takeover",
    score=9.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
