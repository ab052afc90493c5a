"""People log in with tokens of service accounts.

Such tokens belong to programs: they know no second factor, and the log shows the account, not the person.

Fix: let people log in through OpenID Connect, and keep tokens to pods.

See: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
"""

from leadline.posture.control import manual

USER_ACCOUNT_TOKENS = manual(
    "C-0287",
    "Service account token authentication should not be used for users",
    problem="People sign in with account tokens",
    consequence="cluster takeover",
    score=4.0,
    category="Access control",
    look_at="whether people use tokens of service accounts",
)
