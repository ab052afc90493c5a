"""The registry does not scan images that are pushed to it.

A hole that becomes known tomorrow is then found when someone thinks of looking.

Fix: switch on scanning at push for every repository.

See: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
"""

from leadline.posture.control import not_built

ECR_IMAGES_NOT_SCANNED = not_built(
    "C-0221",
    "Ensure Image Vulnerability Scanning using Amazon ECR image scanning or a third party provider",
    problem="ECR images are not scanned",
    consequence="other",
    score=4.0,
    reference_score=5.0,
    category="Workload / Supply chain",
    needs="the cloud provider's description of the cluster",
    cloud="EKS",
)
