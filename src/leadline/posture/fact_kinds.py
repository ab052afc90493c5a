"""Kinds of objects that no cluster hands out unasked: what is known of nodes, and of a cluster by its cloud."""

from collections.abc import Iterable, Mapping

HOST = ".hostdata.kubescape.cloud"
EKS = "ClusterDescribe.eks.amazonaws.com"
EKS_SUBNETS = "DescribeSubnets.eks.amazonaws.com"
ECR = "DescribeRepositories.eks.amazonaws.com"
EKS_ROLE = "ListEntitiesForPolicies.eks.amazonaws.com"
AKS = "ClusterDescribe.management.azure.com"
ACR_ROLES = "ListEntitiesForPolicies.management.azure.com"
GKE = "ClusterDescribe.container.googleapis.com"
GAR = "DescribeRepositories.container.googleapis.com"
DOCKERFILE = "Dockerfile.leadline.dev"
FILES = frozenset({DOCKERFILE})
"""Kinds that are read from files alone."""
COMMANDS: Mapping[str, str] = {
    EKS: "aws eks describe-cluster --name CLUSTER --output json",
    EKS_SUBNETS: "aws ec2 describe-subnets --subnet-ids SUBNETS_OF_THE_NODES --output json",
    ECR: "aws ecr describe-repositories --output json",
    EKS_ROLE: "aws iam list-attached-role-policies --role-name ROLE_OF_THE_NODES --output json",
    AKS: "az aks show --name CLUSTER --resource-group GROUP --output json",
    ACR_ROLES: "az role assignment list --scope ID_OF_THE_REGISTRY --output json",
    GKE: "gcloud container clusters describe CLUSTER --location LOCATION --format json",
    GAR: "gcloud artifacts repositories list --format json",
}
"""What prints the description that becomes an object of the kind; the kinds are those of existing clients."""
CLOUD_OF: Mapping[str, str] = {
    kind: cloud
    for cloud, kinds in {
        "EKS": (EKS, EKS_SUBNETS, ECR, EKS_ROLE),
        "AKS": (AKS, ACR_ROLES),
        "GKE": (GKE, GAR),
    }.items()
    for kind in kinds
}


def is_fact_kind(kind: str) -> bool:
    return kind in COMMANDS or kind.endswith(HOST)


def how_to_get(kinds: Iterable[str]) -> str:
    """What to run for objects of ``kinds``; empty where a cluster or files hold them."""
    wanted = tuple(kinds)
    if not wanted or not all(map(is_fact_kind, wanted)):
        return ""
    if any(kind.endswith(HOST) for kind in wanted):
        return "run 'leadline host facts -o FILE' on each node and give --host-facts FILE"
    commands = " or ".join(f"'{COMMANDS[kind]} > FILE'" for kind in wanted)
    return f"run {commands} and give --cloud-facts FILE"
