"""Bootstrap tokens are used by people.

They are made to join nodes, lie in a Secret and are often still valid.

Fix: delete them after a node has joined; let people log in through OpenID Connect.

See: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
"""

from leadline.posture.control import manual

USER_BOOTSTRAP_TOKENS = manual(
    "C-0288",
    "Bootstrap token authentication should not be used for users",
    problem="People sign in with bootstrap tokens",
    consequence="cluster takeover",
    score=4.0,
    category="Access control",
    look_at="whether bootstrap tokens exist beyond the joining of nodes",
)
