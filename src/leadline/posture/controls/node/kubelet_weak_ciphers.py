"""The kubelet accepts weak ciphers.

Old ciphers can be broken by anyone who records the traffic between API server and node.

Fix: list strong suites in ``tlsCipherSuites``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_WEAK_CIPHERS = not_built(
    "C-0184",
    "Ensure that the Kubelet only makes use of Strong Cryptographic Ciphers",
    problem="Kubelet allows weak ciphers",
    consequence="other",
    score=3.0,
    reference_score=5.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
