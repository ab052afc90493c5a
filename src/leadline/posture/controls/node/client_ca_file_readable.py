"""Users other than root may read or write the file of client CA certificates.

A changed list of CAs lets attackers in under any name.

Fix: set the mode to 600 on every node that has it.

See: https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/
"""

from leadline.posture.control import not_built

CLIENT_AUTHORITIES_READABLE = not_built(
    "C-0168",
    "Ensure that the certificate authorities file permissions are set to 600 or more restrictive",
    problem="Client CA file: loose file mode",
    consequence="cluster takeover",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
