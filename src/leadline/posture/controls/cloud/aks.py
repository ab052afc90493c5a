"""What Azure Kubernetes Service says of a cluster, and of the rights over its registry."""

from leadline.posture.checks.cloud_clusters import ANYWHERE, each, said, within
from leadline.posture.control import Resource, Violations, sequence
from leadline.posture.control_families import cloud_control
from leadline.posture.fact_kinds import ACR_ROLES, AKS

WRITING = (
    "AcrPush",
    "Contributor",
    "Owner",
    "Container Registry Repository Writer",
    "Container Registry Repository Contributor",
)


@cloud_control(
    "C-0250",
    "Minimize cluster access to read-only for Azure Container Registry (ACR)",
    problem="Cluster may write to ACR",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    kinds=(ACR_ROLES,),
    example='assignments: [{"principalType": "ServicePrincipal", "roleDefinitionName": "AcrPush"}, {"principalType": "User", "roleDefinitionName": "AcrPush"}]',
    see="https://learn.microsoft.com/en-us/azure/aks/cluster-container-registry-integration",
)
def aks_cluster_may_write_registry(cluster: Resource) -> Violations:
    """The AKS cluster may write to its registry.

    A broken-into node can replace the images of all others.

    Fix: give the cluster the role ``AcrPull`` alone.

    Cannot see: which of the programs is the cluster: one that builds images has to push; roles of your own.
    """
    for assignment, place in each(cluster, "assignments"):
        role = within(assignment, place, "roleDefinitionName", empty="")
        is_program = within(assignment, place, "principalType", empty="").value == "ServicePrincipal"
        if is_program and role.value in WRITING:
            yield role.review("give the role AcrPull alone")


@cloud_control(
    "C-0247",
    "Restrict Access to the Control Plane Endpoint",
    problem="API endpoint open to all (AKS)",
    consequence="reachable from outside",
    score=7.0,
    reference_score=8.0,
    category="Network",
    kinds=(AKS,),
    example='apiServerAccessProfile: {"enablePrivateCluster": false, "authorizedIpRanges": null}',
    see="https://learn.microsoft.com/en-us/azure/aks/api-server-authorized-ip-ranges",
)
def aks_endpoint_open_to_all(cluster: Resource) -> Violations:
    """The API server of the AKS cluster takes connections from every address.

    A stolen credential works from anywhere.

    Fix: set the authorised address ranges.

    Cannot see: how wide a listed network is.
    """
    profile = said(cluster, "apiServerAccessProfile")
    if profile.value is None:
        yield profile.review("list the networks that may connect")
        return
    if said(cluster, "apiServerAccessProfile.enablePrivateCluster").value is True:
        return
    ranges = said(cluster, "apiServerAccessProfile.authorizedIPRanges")
    if not ranges.value or any(one in ANYWHERE for one in sequence(ranges.value)):
        yield ranges.review("list the networks that may connect")


@cloud_control(
    "C-0243",
    "Ensure Image Vulnerability Scanning using Azure Defender image scanning or a third party provider",
    problem="Registry images are not scanned (AKS)",
    score=4.0,
    reference_score=5.0,
    category="Workload / Supply chain",
    kinds=(AKS,),
    example='securityProfile: {"defender": {"securityMonitoring": {"enabled": false}}}',
    see="https://learn.microsoft.com/en-us/azure/defender-for-cloud/defender-for-containers-introduction",
)
def aks_images_not_scanned(cluster: Resource) -> Violations:
    """Images of the AKS cluster are not scanned.

    Known holes stay unnoticed in the registry and in what runs.

    Fix: enable Defender for Containers, or a scanner of your own.

    Cannot see: scanners of others.
    """
    defender = said(cluster, "securityProfile.defender")
    if defender.value is None:
        yield defender.review("enable Defender for Containers")
        return
    enabled = said(cluster, "securityProfile.defender.securityMonitoring.enabled")
    if enabled.value is not True:
        yield enabled.review("enable Defender for Containers")


@cloud_control(
    "C-0248",
    "Ensure clusters are created with Private Nodes",
    problem="Nodes have public addresses (AKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=(AKS,),
    example='agentPoolProfiles: [{"name": "a", "enableNodePublicIp": true}, {"name": "b", "enableNodePublicIp": false}]',
    see="https://learn.microsoft.com/en-us/azure/aks/private-clusters",
)
def aks_nodes_with_public_addresses(cluster: Resource) -> Violations:
    """AKS nodes are reachable from the internet.

    Every port that opens on a node is then open to all.

    Fix: create node pools without public addresses, in a private cluster.

    Cannot see: load balancers and rules that lead to nodes.
    """
    for pool, place in each(cluster, "agentPoolProfiles"):
        public = within(pool, place, "enableNodePublicIP", empty=False)
        if public.value is True:
            yield public.review("make the pool without public addresses")


@cloud_control(
    "C-0252",
    "Ensure clusters are created with Private Endpoint Enabled and Public Access Disabled",
    problem="API endpoint is public (AKS)",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Network",
    kinds=(AKS,),
    example='apiServerAccessProfile: {"enablePrivateCluster": false}',
    see="https://learn.microsoft.com/en-us/azure/aks/private-clusters",
)
def aks_public_endpoint(cluster: Resource) -> Violations:
    """The API server of the AKS cluster is public.

    It can be scanned and attacked by everyone, and all traffic of the nodes to it leaves your network.

    Fix: create the cluster as a private one.

    Cannot see: a public name that a private cluster may have as well.
    """
    profile = said(cluster, "apiServerAccessProfile")
    if profile.value is None:
        yield profile.review("make the cluster a private one")
        return
    private = said(cluster, "apiServerAccessProfile.enablePrivateCluster")
    if private.value is not True:
        yield private.review("make the cluster a private one")


@cloud_control(
    "C-0244",
    "Ensure Kubernetes Secrets are encrypted",
    problem="Secrets unencrypted (AKS)",
    consequence="secrets",
    score=5.0,
    reference_score=6.0,
    category="Secrets",
    kinds=(AKS,),
    example='securityProfile: {"azureKeyVaultKms": {"enabled": false}}',
    see="https://learn.microsoft.com/en-us/azure/aks/use-kms-etcd-encryption",
)
def aks_secrets_not_encrypted(cluster: Resource) -> Violations:
    """Secrets of the AKS cluster are not encrypted with a key of your own.

    Without one you can neither take the key back nor see its use.

    Fix: enable encryption of etcd with a key vault.

    Cannot see: objects that were written before it was enabled.
    """
    kms = said(cluster, "securityProfile.azureKeyVaultKms")
    if kms.value is None:
        yield kms.review("enable encryption with a key vault")
        return
    enabled = said(cluster, "securityProfile.azureKeyVaultKms.enabled")
    if enabled.value is not True:
        yield enabled.review("enable encryption with a key vault")


@cloud_control(
    "C-0241",
    "Use Azure RBAC for Kubernetes Authorization.",
    problem="Azure RBAC is off",
    consequence="cluster takeover",
    score=4.0,
    reference_score=7.0,
    category="Access control",
    kinds=(AKS,),
    example='aadProfile: {"managed": true, "enableAzureRbac": false}',
    see="https://learn.microsoft.com/en-us/azure/aks/manage-azure-rbac",
)
def aks_without_azure_rbac(cluster: Resource) -> Violations:
    """The AKS cluster does not ask Azure for authorisation.

    Rights are then kept in two places, and leavers keep those in the cluster.

    Fix: enable Azure RBAC for Kubernetes authorisation.

    Cannot see: local accounts that remain beside it.
    """
    profile = said(cluster, "aadProfile")
    if profile.value is None:
        yield profile.review("enable Microsoft Entra integration with Azure RBAC")
        return
    enabled = said(cluster, "aadProfile.enableAzureRBAC")
    if enabled.value is not True:
        yield enabled.review("enable Azure RBAC")


@cloud_control(
    "C-0240",
    "Ensure Network Policy is Enabled and set as appropriate",
    problem="Network policies are off (AKS)",
    consequence="reachable from outside",
    score=5.0,
    reference_score=6.0,
    category="Network",
    kinds=(AKS,),
    example='networkProfile: {"networkPlugin": "azure", "networkPolicy": null}',
    see="https://learn.microsoft.com/en-us/azure/aks/use-network-policies",
)
def aks_without_network_policy(cluster: Resource) -> Violations:
    """The AKS cluster was made without a network policy engine.

    Policies can be written and change nothing.

    Fix: choose Azure, Calico or Cilium policies for the cluster.

    Cannot see: a plugin that you installed yourself (network plugin `none`).
    """
    policy = said(cluster, "networkProfile.networkPolicy")
    if policy.value not in ("azure", "calico", "cilium"):
        yield policy.review("choose cilium, calico or azure")
