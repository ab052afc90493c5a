"""The cluster's private keys can be read by others than root.

Anyone who reads the key of the CA can sign a certificate for any user, valid for years.

Fix: set the mode of the ``.key`` files to 600, and change the keys if they were open.

See: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from leadline.posture.control import not_built

PKI_KEYS_READABLE = not_built(
    "C-0112",
    "Ensure that the Kubernetes PKI key file permissions are set to 600",
    problem="PKI keys: loose file mode",
    consequence="cluster takeover",
    score=9.0,
    reference_score=8.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
