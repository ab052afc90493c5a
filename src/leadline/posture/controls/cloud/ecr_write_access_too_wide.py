"""More people than needed may push to the image registry.

Anyone who can push decides what the cluster runs at the next restart.

Fix: give push rights to the build alone.

See: https://docs.aws.amazon.com/AmazonECR/latest/userguide/security-iam.html
"""

from leadline.posture.control import manual

ECR_WRITE_ACCESS_TOO_WIDE = manual(
    "C-0222",
    "Minimize user access to Amazon ECR",
    problem="Too many may write to ECR",
    consequence="other",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    look_at="who may push to the repositories, by their policies and by IAM",
    cloud="EKS",
)
