"""The registry does not scan images that are pushed to it.

A hole that becomes known tomorrow is then found when someone thinks of looking.

Fix: switch on scanning at push for every repository.

Example::

    apiVersion: eks.amazonaws.com/v1
    kind: DescribeRepositories
    metadata: {name: shop}
    repositories: [{"repositoryName": "web", "imageScanningConfiguration": {"scanOnPush": false}}]

Cannot see: scanning by rules of the whole registry, and by programs of others.

See: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import Resource, Violations, control
from leadline.posture.fact_kinds import ECR, GAR
from leadline.posture.index import kind_name


@control(
    "C-0221",
    "Ensure Image Vulnerability Scanning using Amazon ECR image scanning or a third party provider",
    problem="ECR images are not scanned",
    consequence="other",
    score=4.0,
    reference_score=5.0,
    category="Workload / Supply chain",
    kinds=(
        ECR,
        GAR,
    ),
)
def ecr_images_not_scanned(cluster: Resource) -> Violations:
    if "repositories" in cluster.body and kind_name(cluster) == GAR:
        for repository, place in each(cluster, "repositories"):
            state = within(repository, place, "vulnerabilityScanningConfig.enablementState")
            if within(repository, place, "format").value == "DOCKER" and state.value != "SCANNING_ACTIVE":
                yield state.review("enable scanning for the repository")
        return
    for repository, place in each(cluster, "repositories"):
        scans = within(repository, place, "imageScanningConfiguration.scanOnPush")
        if scans.value is not True:
            yield scans.review("scan images when they are pushed")
