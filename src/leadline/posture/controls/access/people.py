"""How people sign in, which no object of a cluster shows."""

from leadline.posture.control import manual

user_certificates = manual(
    "C-0286",
    "Client certificate authentication should not be used for users",
    problem="People sign in with certificates",
    consequence="cluster takeover",
    score=4.0,
    category="Access control",
    look_at="how people log in, and who holds client certificates",
    doc="""People log in with client certificates.

A certificate cannot be taken back: who leaves, or loses a laptop, keeps access until it ends.

Fix: let people log in through OpenID Connect, with short tokens.

See: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
""",
)
user_account_tokens = manual(
    "C-0287",
    "Service account token authentication should not be used for users",
    problem="People sign in with account tokens",
    consequence="cluster takeover",
    score=4.0,
    category="Access control",
    look_at="whether people use tokens of service accounts",
    doc="""People log in with tokens of service accounts.

Such tokens belong to programs: they know no second factor, and the log shows the account, not the person.

Fix: let people log in through OpenID Connect, and keep tokens to pods.

See: https://kubernetes.io/docs/reference/access-authn-authz/authentication/
""",
)
user_bootstrap_tokens = manual(
    "C-0288",
    "Bootstrap token authentication should not be used for users",
    problem="People sign in with bootstrap tokens",
    consequence="cluster takeover",
    score=4.0,
    category="Access control",
    look_at="whether bootstrap tokens exist beyond the joining of nodes",
    doc="""Bootstrap tokens are used by people.

They are made to join nodes, lie in a Secret and are often still valid.

Fix: delete them after a node has joined; let people log in through OpenID Connect.

See: https://kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens/
""",
)
masters_group = manual(
    "C-0246",
    "Avoid use of system:masters group",
    problem="Members of system:masters",
    consequence="cluster takeover",
    score=8.0,
    category="Access control",
    look_at="client certificates and other logins whose group is system:masters",
    doc="""People log in as members of ``system:masters``.

No role and no policy holds that group back, and a certificate that names it cannot be taken back before it
ends.

Fix: keep one such login sealed for emergencies, and give administrators a role of their own.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
""",
)
aws_sign_in = manual(
    "C-0232",
    "Manage Kubernetes RBAC users with AWS IAM Authenticator for Kubernetes or Upgrade to AWS CLI v1.16.156",
    problem="How people sign in (EKS)",
    consequence="cluster takeover",
    score=4.0,
    reference_score=7.0,
    category="Access control",
    cloud="EKS",
    look_at="whether the users and groups that roles are bound to come from AWS, by access entries or the aws-auth ConfigMap",
    doc="""People should reach an EKS cluster with identities of AWS, and roles be bound to those.

An identity of AWS can be withdrawn in one place, has a second factor and leaves a trail. A password or a certificate
made for the cluster alone has none of that. Whether an object of the cluster belongs to such an identity cannot be
visible in the object, so a person has to look.

Fix: map groups of AWS to groups of Kubernetes with access entries, and sign in with ``aws eks get-token``.

See: https://docs.aws.amazon.com/eks/latest/userguide/grant-k8s-access.html
""",
)
