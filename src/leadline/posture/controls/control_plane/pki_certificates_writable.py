"""The cluster's certificate files are open to others than root.

A certificate that can be changed can be replaced by one of an intruder's CA.

Fix: set the mode of the ``.crt`` files to 600.

See: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from leadline.posture.control import not_built

PKI_CERTIFICATES_WRITABLE = not_built(
    "C-0111",
    "Ensure that the Kubernetes PKI certificate file permissions are set to 600 or more restrictive",
    problem="PKI certificates: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=8.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
