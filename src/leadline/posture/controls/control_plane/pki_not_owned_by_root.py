"""Keys and certificates of the cluster do not belong to root.

With the key of the certificate authority anyone can be made, administrators included.

Fix: make ``root:root`` the owner of the folder and of all that is in it.

See: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from leadline.posture.control import not_built

PKI_NOT_OWNED_BY_ROOT = not_built(
    "C-0110",
    "Ensure that the Kubernetes PKI directory and file ownership is set to root:root",
    problem="PKI files: owner not root",
    consequence="cluster takeover",
    score=7.0,
    reference_score=8.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
