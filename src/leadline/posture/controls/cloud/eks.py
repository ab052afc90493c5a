"""What Amazon EKS says of a cluster, its nodes and its registry; and GKE where both are asked the same."""

from leadline.posture.checks.cloud_clusters import ANYWHERE, each, said, within
from leadline.posture.control import NotJudged, Resource, Review, Violations, mapping, mappings, sequence
from leadline.posture.control_families import cloud_control
from leadline.posture.fact_kinds import ECR, EKS, EKS_ROLE, EKS_SUBNETS, GAR, GKE
from leadline.posture.index import kind_name

WANTED = ("api", "audit", "authenticator", "controllerManager", "scheduler")
WRITING = (
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AdministratorAccess",
)
READING = ("AmazonEC2ContainerRegistryReadOnly", "AmazonEC2ContainerRegistryPullOnly")


@cloud_control(
    "L-0087",
    "Logs of the EKS control plane are kept",
    problem="Control plane logs are off (EKS)",
    score=5.0,
    category="Control plane",
    kinds=(EKS,),
    example='cluster: {"logging": {"clusterLogging": [{"types": ["api"], "enabled": true}, {"types": ["audit", "authenticator", "controllerManager", "scheduler"], "enabled": false}]}}',
    see="https://docs.aws.amazon.com/eks/latest/userguide/control-plane-logs.html",
)
def eks_audit_logs(cluster: Resource) -> Violations:
    """EKS does not keep the audit log of the control plane.

    Without it nothing says who did what in the cluster.

    Fix: enable the log types audit, api and authenticator at least.

    Cannot see: how long the logs are kept.
    """
    place = said(cluster, "cluster.logging.clusterLogging").place
    kept: set[str] = set()
    for setup, _ in each(cluster, "cluster.logging.clusterLogging"):
        types = setup.get("types") if setup.get("enabled") is True else None
        kept.update(one for one in types if isinstance(one, str)) if isinstance(types, list) else None
    missing = [one for one in WANTED if one not in kept]
    if missing:
        yield Review(place, advice=f"enable the log types {', '.join(missing)}")


@cloud_control(
    "L-0088",
    "Secrets are encrypted with a key of your own (EKS)",
    problem="Secrets unencrypted (EKS)",
    consequence="secrets",
    score=5.0,
    category="Secrets",
    kinds=(EKS,),
    example='cluster: {"encryptionConfig": []}',
    see="https://docs.aws.amazon.com/eks/latest/userguide/envelope-encryption.html",
)
def eks_secrets_not_encrypted(cluster: Resource) -> Violations:
    """Secrets of the EKS cluster are not encrypted with a key of your own.

    Without one you can neither take the key back nor see its use.

    Fix: enable envelope encryption of secrets with a key of KMS.

    Cannot see: objects that were written before it was enabled; the key of AWS that newer clusters use
    without one.
    """
    found = said(cluster, "cluster.encryptionConfig")
    entries = [entry for _, entry in mappings(found.value)]
    if not any(
        "secrets" in sequence(e.get("resources")) and mapping(e.get("provider")).get("keyArn")
        for e in entries
    ):
        yield found.review("associate an encryption configuration for secrets")


@cloud_control(
    "C-0285",
    "Cluster Access Manager API to streamline and enhance the management of access controls within EKS clusters",
    problem="Legacy access management (EKS)",
    consequence="cluster takeover",
    score=3.0,
    reference_score=5.0,
    category="Control plane",
    kinds=(EKS,),
    example='cluster: {"accessConfig": {"authenticationMode": "CONFIG_MAP"}}',
    see="https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html",
)
def legacy_access_management(cluster: Resource) -> Violations:
    """Access to the EKS cluster is kept in a ConfigMap alone.

    A typing error in ``aws-auth`` locks everyone out, and changes to it are not logged as access changes.

    Fix: move to access entries (authentication mode ``API``).

    Cannot see: whether entries of the ConfigMap are still in use.
    """
    mode = said(cluster, "cluster.accessConfig.authenticationMode")
    if mode.value == "CONFIG_MAP":
        yield mode.review("set the authentication mode to API")


@cloud_control(
    "C-0223",
    "Minimize cluster access to read-only for Amazon ECR",
    problem="Cluster may write to ECR",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    kinds=(EKS_ROLE,),
    example='AttachedPolicies: [{"PolicyName": "AmazonEKSWorkerNodePolicy"}, {"PolicyName": "AmazonEC2ContainerRegistryPowerUser"}]',
    see="https://docs.aws.amazon.com/AmazonECR/latest/userguide/security-iam.html",
)
def cluster_may_write_registry(cluster: Resource) -> Violations:
    """Nodes may write to the registry they pull from.

    A broken-into node can then replace images, and every other node pulls them.

    Fix: give nodes the read-only policy of the registry.

    Cannot see: your own policies, inline ones, and policies of the repositories; on GKE the role of the
    nodes' account.
    """
    names = [
        within(policy, place, "PolicyName", empty="") for policy, place in each(cluster, "AttachedPolicies")
    ]
    for name in names:
        if name.value in WRITING:
            yield name.review("attach AmazonEC2ContainerRegistryPullOnly in its place")
    if not any(name.value in READING + WRITING for name in names):
        raise NotJudged("no policy of AWS for the registry is attached; what own policies allow is not read")


@cloud_control(
    "C-0221",
    "Ensure Image Vulnerability Scanning using Amazon ECR image scanning or a third party provider",
    problem="ECR images are not scanned",
    score=4.0,
    reference_score=5.0,
    category="Workload / Supply chain",
    kinds=(ECR, GAR),
    example='repositories: [{"repositoryName": "web", "imageScanningConfiguration": {"scanOnPush": false}}]',
    see="https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-scanning.html",
)
def ecr_images_not_scanned(cluster: Resource) -> Violations:
    """The registry does not scan images that are pushed to it.

    A hole that becomes known tomorrow is then found when someone thinks of looking.

    Fix: switch on scanning at push for every repository.

    Cannot see: scanning by rules of the whole registry, and by programs of others.
    """
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


@cloud_control(
    "C-0229",
    "Ensure clusters are created with Private Nodes",
    problem="Nodes have public addresses (EKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=(EKS_SUBNETS, GKE),
    example='Subnets: [{"SubnetId": "subnet-1", "MapPublicIpOnLaunch": false}, {"SubnetId": "subnet-2", "MapPublicIpOnLaunch": true}]',
    see="https://docs.aws.amazon.com/eks/latest/best-practices/",
)
def nodes_with_public_addresses(cluster: Resource) -> Violations:
    """EKS nodes have public addresses.

    Each node is then a machine on the internet, with every port that anything opens on it.

    Fix: put the node groups into private subnets.

    Cannot see: launch templates that ask for an address by themselves; node pools of GKE that differ from
    their cluster.
    """
    if "Subnets" not in cluster.body:
        private = said(cluster, "privateClusterConfig.enablePrivateNodes", empty=False)
        if private.value is not True:
            yield private.review("make the nodes private")
        return
    for subnet, place in each(cluster, "Subnets"):
        public = within(subnet, place, "MapPublicIpOnLaunch")
        if public.value is not False:
            yield public.review("put the nodes into subnets that give no public address")


@cloud_control(
    "C-0228",
    "Ensure clusters are created with Private Endpoint Enabled and Public Access Disabled",
    problem="API endpoint is public",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=(EKS, GKE),
    example='cluster: {"name": "shop", "resourcesVpcConfig": {"endpointPublicAccess": true, "endpointPrivateAccess": true}}',
    see="https://docs.aws.amazon.com/eks/latest/best-practices/",
)
def public_api_endpoint(cluster: Resource) -> Violations:
    """The EKS cluster has a public endpoint, or no private one.

    Traffic between nodes and API server leaves your network, and anyone can try to connect.

    Fix: enable the private endpoint and disable the public one.

    Cannot see: endpoints by DNS names of GKE; networks that are joined to yours.
    """
    if "cluster" not in cluster.body:
        private = said(cluster, "privateClusterConfig.enablePrivateEndpoint", empty=False)
        if private.value is not True:
            yield private.review("make the endpoint private")
        return
    private = said(cluster, "cluster.resourcesVpcConfig.endpointPrivateAccess")
    public = said(cluster, "cluster.resourcesVpcConfig.endpointPublicAccess")
    if private.value is not True:
        yield private.review("enable the private endpoint")
    if public.value is not False:
        yield public.review("disable the public endpoint")


@cloud_control(
    "C-0227",
    "Restrict Access to the Control Plane Endpoint",
    problem="API endpoint open to all",
    consequence="reachable from outside",
    score=7.0,
    reference_score=8.0,
    category="Network",
    kinds=(EKS, GKE),
    example='cluster: {"name": "shop", "resourcesVpcConfig": {"endpointPublicAccess": true, "publicAccessCidrs": ["0.0.0.0/0"]}}',
    see="https://docs.aws.amazon.com/eks/latest/best-practices/",
)
def api_endpoint_open_to_all(cluster: Resource) -> Violations:
    """The API server can be reached from every address of the internet.

    A stolen credential then works from anywhere, and each hole in the server is one request away.

    Fix: list the networks that may connect, or make the endpoint private.

    Cannot see: firewalls in front; how wide a listed network is.
    """
    if "cluster" not in cluster.body:
        enabled = said(cluster, "masterAuthorizedNetworksConfig.enabled", empty=False)
        if enabled.value is not True:
            yield enabled.review("enable authorised networks, and list those that may connect")
        return
    if said(cluster, "cluster.resourcesVpcConfig.endpointPublicAccess").value is False:
        return
    ranges = said(cluster, "cluster.resourcesVpcConfig.publicAccessCidrs")
    if not ranges.value or any(one in ANYWHERE for one in sequence(ranges.value)):
        yield ranges.review("list the networks that may connect, or close the public endpoint")
