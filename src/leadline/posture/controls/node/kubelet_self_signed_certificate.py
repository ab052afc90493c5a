"""The kubelet serves a certificate that clients cannot check.

The API server then cannot distinguish the node from a machine in between.

Fix: set ``tlsCertFile`` and ``tlsPrivateKeyFile``, or let the kubelet ask the cluster for one.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_SELF_SIGNED_CERTIFICATE = not_built(
    "C-0181",
    "Ensure that the --tls-cert-file and --tls-private-key-file arguments are set as appropriate",
    problem="Kubelet signs its own certificate",
    consequence="reachable from outside",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
