"""People log in as members of ``system:masters``.

No role and no policy holds that group back, and a certificate that names it cannot be taken back before it
ends.

Fix: keep one such login sealed for emergencies, and give administrators a role of their own.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
"""

from leadline.posture.control import manual

MASTERS_GROUP = manual(
    "C-0246",
    "Avoid use of system:masters group",
    problem="Members of system:masters",
    consequence="cluster takeover",
    score=8.0,
    category="Access control",
    look_at="client certificates and other logins whose group is system:masters",
)
