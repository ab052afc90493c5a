"""Nodes may write to the registry they pull from.

A broken-into node can then replace images, and every other node pulls them.

Fix: give nodes the read-only policy of the registry.

Example::

    apiVersion: eks.amazonaws.com/v1
    kind: ListEntitiesForPolicies
    metadata: {name: shop}
    AttachedPolicies: [{"PolicyName": "AmazonEKSWorkerNodePolicy"}, {"PolicyName": "AmazonEC2ContainerRegistryPowerUser"}]

Cannot see: your own policies, inline ones, and policies of the repositories; on GKE the role of the nodes' account.

See: https://docs.aws.amazon.com/AmazonECR/latest/userguide/security-iam.html
"""

from leadline.posture.checks.cloud_clusters import each, within
from leadline.posture.control import NotJudged, Resource, Violations, control
from leadline.posture.fact_kinds import EKS_ROLE

WRITING = (
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AdministratorAccess",
)
READING = ("AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly")


@control(
    "C-0223",
    "Minimize cluster access to read-only for Amazon ECR",
    problem="Cluster may write to ECR",
    consequence="other",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    kinds=(EKS_ROLE,),
)
def cluster_may_write_registry(cluster: Resource) -> Violations:
    names = [
        within(policy, place, "PolicyName", empty="") for policy, place in each(cluster, "AttachedPolicies")
    ]
    for name in names:
        if name.value in WRITING:
            yield name.review("attach AmazonEC2ContainerRegistryPullOnly in its place")
    if not any(name.value in READING + WRITING for name in names):
        raise NotJudged("no policy of AWS for the registry is attached; what own policies allow is not read")
