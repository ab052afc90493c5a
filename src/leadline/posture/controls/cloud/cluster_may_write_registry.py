"""Nodes may write to the registry they pull from.

A broken-into node can then replace images, and every other node pulls them.

Fix: give nodes the read-only policy of the registry.

See: https://docs.aws.amazon.com/AmazonECR/latest/userguide/security-iam.html
"""

from leadline.posture.control import not_built

CLUSTER_MAY_WRITE_REGISTRY = not_built(
    "C-0223",
    "Minimize cluster access to read-only for Amazon ECR",
    problem="Cluster may write to ECR",
    consequence="other",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    needs="the cloud provider's description of the cluster",
    cloud="EKS",
)
