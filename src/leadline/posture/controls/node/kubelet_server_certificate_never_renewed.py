"""The kubelet does not ask for a new serving certificate before the old one ends.

Someone then renews by hand, late, and with keys carried from place to place.

Fix: set ``serverTLSBootstrap: true`` and approve the requests.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_SERVER_CERTIFICATE_NEVER_RENEWED = not_built(
    "C-0183",
    "Verify that the RotateKubeletServerCertificate argument is set to true",
    problem="Kubelet server certificate not renewed",
    consequence="availability",
    score=3.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
