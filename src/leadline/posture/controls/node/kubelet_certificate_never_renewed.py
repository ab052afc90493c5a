"""The kubelet does not renew its client certificate by itself.

A long-lived certificate that was copied stays good; one that runs out takes the node away.

Fix: leave ``rotateCertificates`` at ``true``.

See: https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
"""

from leadline.posture.control import not_built

KUBELET_CERTIFICATE_NEVER_RENEWED = not_built(
    "C-0182",
    "Ensure that the --rotate-certificates argument is not set to false",
    problem="Kubelet never renews its certificate",
    consequence="availability",
    score=3.0,
    reference_score=6.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
