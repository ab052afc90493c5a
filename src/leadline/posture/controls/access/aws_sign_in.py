"""People should reach an EKS cluster with identities of AWS, and roles be bound to those.

An identity of AWS can be withdrawn in one place, has a second factor and leaves a trail. A password or a certificate
made for the cluster alone has none of that. Whether an object of the cluster belongs to such an identity cannot be
visible in the object, so a person has to look.

Fix: map groups of AWS to groups of Kubernetes with access entries, and sign in with ``aws eks get-token``.

See: https://docs.aws.amazon.com/eks/latest/userguide/grant-k8s-access.html
"""

from leadline.posture.control import manual

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
)
