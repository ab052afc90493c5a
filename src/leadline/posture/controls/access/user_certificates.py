"""People log in with client certificates.

A certificate cannot be taken back: who leaves, or loses a laptop, keeps access until it ends.

Fix: let people log in through OpenID Connect, with short tokens.

See: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

from leadline.posture.control import manual

USER_CERTIFICATES = manual(
    "C-0286",
    "Client certificate authentication should not be used for users",
    problem="People sign in with certificates",
    consequence="cluster takeover",
    score=4.0,
    category="Access control",
    look_at="how people log in, and who holds client certificates",
)
