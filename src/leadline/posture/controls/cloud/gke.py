"""What Google Kubernetes Engine says of a cluster and its node pools."""

from functools import partial

from leadline.posture.checks.cloud_clusters import each, said, within
from leadline.posture.control import Resource, Violations
from leadline.posture.control_families import cloud_control
from leadline.posture.fact_kinds import GKE

gke_control = partial(cloud_control, kinds=(GKE,))


@gke_control(
    "L-0081",
    "Cluster is no alpha cluster",
    problem="Alpha cluster (GKE)",
    score=4.0,
    category="Control plane",
    example="enableKubernetesAlpha: true",
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/alpha-clusters",
)
def gke_alpha_cluster(cluster: Resource) -> Violations:
    """The GKE cluster has every alpha feature of Kubernetes enabled.

    Alpha features come without support and fixes; the cluster is not upgraded and ends after 30 days.

    Fix: use a cluster without alpha features for everything that matters.

    Cannot see: single features enabled by other means.
    """
    found = said(cluster, "enableKubernetesAlpha")
    if found.value is not False:
        yield found.review("make a cluster without alpha features")


@gke_control(
    "L-0080",
    "Boot disks are encrypted with a key of your own",
    problem="Boot disks without own key (GKE)",
    score=2.0,
    category="Secrets",
    example='nodePools: [{"name": "a", "config": {"bootDiskKmsKey": "projects/p/locations/l/keyRings/r/cryptoKeys/k"}}, {"name": "b", "config": {"bootDiskKmsKey": ""}}]',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/using-cmek",
)
def gke_boot_disk_without_own_key(cluster: Resource) -> Violations:
    """Boot disks of GKE nodes are encrypted with a key of Google alone.

    Without a key of your own you can neither take it back nor see its use.

    Fix: make node pools with a key of Cloud KMS.

    Cannot see: the rights on the key.
    """
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.bootDiskKmsKey", empty="")
        if not found.value:
            yield found.review("make the pool with a key of your own")


@gke_control(
    "L-0085",
    "No client certificate was issued",
    problem="Client certificate issued (GKE)",
    consequence="cluster takeover",
    score=5.0,
    category="Access control",
    example='masterAuth: {"clusterCaCertificate": "LS0t", "clientCertificate": "LS0t"}',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#restrict_authn_methods",
)
def gke_client_certificate(cluster: Resource) -> Violations:
    """The GKE cluster was made with a client certificate that signs its holder in.

    It cannot be taken back: it is good until the CA of the cluster is changed.

    Fix: make clusters without one, and change the credentials of this one.

    Cannot see: certificates that the cluster signed later.
    """
    found = said(cluster, "masterAuth.clientCertificate", empty="")
    if found.value:
        yield found.review("rotate the credentials of the cluster, and issue no certificate")


@gke_control(
    "L-0070",
    "Nodes use a service account of their own",
    problem="Nodes use the default account (GKE)",
    consequence="secrets",
    score=5.0,
    category="Access control",
    example='nodePools: [{"name": "a", "config": {"serviceAccount": "nodes@p.iam.gserviceaccount.com"}}, {"name": "b", "config": {"serviceAccount": "default"}}]',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#use_least_privilege_sa",
)
def gke_default_service_account(cluster: Resource) -> Violations:
    """GKE nodes run as the default account of Compute Engine.

    It may edit much of the project in most organisations; each pod on the node can ask for its token.

    Fix: make a service account with the few roles that nodes need, and node pools that use it.

    Cannot see: the roles of the account, which the project decides.
    """
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.serviceAccount", empty="default")
        if found.value in ("default", ""):
            yield found.review("make the pool with an account that may only log and pull")


@gke_control(
    "L-0101",
    "Container-Optimized OS is used for nodes",
    problem="General-purpose OS on the nodes (GKE)",
    score=2.0,
    category="Workload",
    example='nodePools: [{"name": "a", "config": {"imageType": "COS_CONTAINERD"}}, {"name": "b", "config": {"imageType": "UBUNTU_CONTAINERD"}}]',
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/node-images",
)
def gke_general_purpose_os(cluster: Resource) -> Violations:
    """A GKE node pool runs an operating system that is not made for containers alone.

    A general system brings shells and services that no pod needs; each is something to patch.

    Fix: use the image type COS_CONTAINERD.

    Cannot see: what an image of your own leaves out.
    """
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.imageType", empty="")
        if not str(found.value).startswith("COS"):
            yield found.review("make the pool with the image COS_CONTAINERD")


@gke_control(
    "L-0086",
    "Legacy authorization is disabled",
    problem="Legacy authorization is on (GKE)",
    consequence="cluster takeover",
    score=7.0,
    category="Access control",
    example='legacyAbac: {"enabled": true}',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/hardening-your-cluster#leave_abac_disabled",
)
def gke_legacy_authorization(cluster: Resource) -> Violations:
    """The GKE cluster grants rights by its old rules as well.

    They give every account of the project and every service account all rights.

    Fix: disable legacy authorization; RBAC stays.

    Cannot see: what RBAC grants.
    """
    found = said(cluster, "legacyAbac.enabled", empty=False)
    if found.value is not False:
        yield found.review("disable legacy authorization")


@gke_control(
    "L-0084",
    "Secrets are encrypted with a key of your own",
    problem="Secrets unencrypted (GKE)",
    consequence="secrets",
    score=5.0,
    category="Secrets",
    example='databaseEncryption: {"state": "DECRYPTED"}',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/encrypting-secrets",
)
def gke_secrets_not_encrypted(cluster: Resource) -> Violations:
    """Secrets of the GKE cluster are not encrypted with a key of your own.

    Without one you can neither take the key back nor see its use.

    Fix: enable encryption of secrets with a key of Cloud KMS.

    Cannot see: objects that were written before it was enabled.
    """
    found = said(cluster, "databaseEncryption.state", empty="")
    if found.value not in ("ENCRYPTED", "ALL_OBJECTS_ENCRYPTION_ENABLED"):
        yield found.review("enable encryption with a key of Cloud KMS")


@gke_control(
    "L-0072",
    "Auto-repair of nodes is enabled",
    problem="Auto-repair is off (GKE)",
    consequence="availability",
    score=3.0,
    category="Control plane",
    example='nodePools: [{"name": "a", "management": {"autoRepair": true}}, {"name": "b", "management": {"autoRepair": false}}]',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/node-auto-repair",
)
def gke_without_auto_repair(cluster: Resource) -> Violations:
    """A GKE node that fails its health checks stays as it is.

    Broken nodes run pods late or not at all, and leave out updates.

    Fix: enable auto-repair of the node pool.

    Cannot see: programs of your own that restart nodes.
    """
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "management.autoRepair", empty=False)
        if found.value is not True:
            yield found.review("enable auto-repair")


@gke_control(
    "L-0073",
    "Nodes are upgraded automatically",
    problem="Nodes are not upgraded (GKE)",
    score=5.0,
    category="Control plane",
    example='nodePools: [{"name": "a", "management": {"autoUpgrade": true}}, {"name": "b", "management": {"autoUpgrade": false}}]',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/node-auto-upgrades",
)
def gke_without_auto_upgrade(cluster: Resource) -> Violations:
    """GKE nodes stay at the version they were made with.

    Fixes of the kernel and of Kubernetes then wait for someone to think of them.

    Fix: enable auto-upgrade of the node pool.

    Cannot see: upgrades by other means.
    """
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "management.autoUpgrade", empty=False)
        if found.value is not True:
            yield found.review("enable auto-upgrade")


@gke_control(
    "L-0076",
    "Integrity of shielded nodes is monitored",
    problem="Node integrity is not monitored (GKE)",
    score=3.0,
    category="Control plane",
    example='nodePools: [{"name": "a", "config": {"shieldedInstanceConfig": {"enableIntegrityMonitoring": true}}}, {"name": "b", "config": {"shieldedInstanceConfig": {"enableIntegrityMonitoring": false}}}]',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes",
)
def gke_without_integrity_monitoring(cluster: Resource) -> Violations:
    """What GKE nodes boot is not compared with what they booted before.

    A changed kernel or boot loader then goes unnoticed.

    Fix: enable integrity monitoring of the node pool.

    Cannot see: who reads the results.
    """
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.shieldedInstanceConfig.enableIntegrityMonitoring", empty=False)
        if found.value is not True:
            yield found.review("enable integrity monitoring")


@gke_control(
    "L-0078",
    "Traffic within a node is visible",
    problem="Traffic within nodes is unseen (GKE)",
    score=2.0,
    category="Network",
    example='networkConfig: {"enableIntraNodeVisibility": false}',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/intranode-visibility",
)
def gke_without_intranode_visibility(cluster: Resource) -> Violations:
    """Traffic between pods of one GKE node does not pass the network of the project.

    Flow logs and firewall rules do not see it.

    Fix: enable intranode visibility, and flow logs of the subnet.

    Cannot see: flow logs, which the subnet decides.
    """
    found = said(cluster, "networkConfig.enableIntraNodeVisibility", empty=False)
    if found.value is not True:
        yield found.review("enable intranode visibility")


@gke_control(
    "L-0083",
    "Logging of the cluster is enabled",
    problem="Cluster logs are not kept (GKE)",
    score=4.0,
    category="Control plane",
    example='loggingConfig: {"componentConfig": {"enableComponents": []}}',
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/about-logs",
)
def gke_without_logging(cluster: Resource) -> Violations:
    """GKE keeps no logs of the cluster.

    Without them an attack can neither be seen nor followed afterwards.

    Fix: enable logging of system components and workloads.

    Cannot see: logging by other agents; audit logs, which the project decides.
    """
    found = said(cluster, "loggingConfig.componentConfig.enableComponents", empty=[])
    if not found.value:
        yield found.review("enable logging of the system components at least")


@gke_control(
    "L-0071",
    "GKE metadata server is enabled",
    problem="Node metadata open to pods (GKE)",
    consequence="secrets",
    score=6.0,
    category="Workload",
    example='nodePools: [{"name": "a", "config": {"workloadMetadataConfig": {"mode": "GKE_METADATA"}}}, {"name": "b", "config": {"workloadMetadataConfig": {"mode": "GCE_METADATA"}}}]',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity",
)
def gke_without_metadata_server(cluster: Resource) -> Violations:
    """Pods on GKE nodes ask the metadata service of the machine itself.

    It hands out the token of the node, with all its rights, to any pod.

    Fix: enable Workload Identity Federation, which answers in its place.

    Cannot see: pods on the network of their node.
    """
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.workloadMetadataConfig.mode", empty="")
        if found.value != "GKE_METADATA":
            yield found.review("enable workload identity for the pool")


@gke_control(
    "L-0074",
    "Cluster is in a release channel",
    problem="No release channel (GKE)",
    score=3.0,
    category="Control plane",
    example='releaseChannel: {"channel": "UNSPECIFIED"}',
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/release-channels",
)
def gke_without_release_channel(cluster: Resource) -> Violations:
    """The GKE cluster is in no release channel.

    Its version then changes only when someone decides it, and support ends unnoticed.

    Fix: join the channel regular or stable.

    Cannot see: who holds upgrades back by windows.
    """
    found = said(cluster, "releaseChannel.channel", empty="")
    if found.value not in ("RAPID", "REGULAR", "STABLE", "EXTENDED"):
        yield found.review("join a release channel")


@gke_control(
    "L-0077",
    "Secure boot of shielded nodes",
    problem="Secure boot is off (GKE)",
    consequence="node escape",
    score=3.0,
    category="Control plane",
    example='nodePools: [{"name": "a", "config": {"shieldedInstanceConfig": {"enableSecureBoot": true}}}, {"name": "b", "config": {"shieldedInstanceConfig": {"enableSecureBoot": false}}}]',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes",
)
def gke_without_secure_boot(cluster: Resource) -> Violations:
    """GKE nodes start without secure boot.

    Without secure boot a root kit can load before the kernel.

    Fix: enable secure boot, unless a driver of your own is not signed.

    Cannot see: what runs after the boot.
    """
    for pool, place in each(cluster, "nodePools"):
        found = within(pool, place, "config.shieldedInstanceConfig.enableSecureBoot", empty=False)
        if found.value is not True:
            yield found.review("enable secure boot")


@gke_control(
    "L-0082",
    "Security posture is enabled",
    problem="Security posture is off (GKE)",
    score=1.0,
    category="Control plane",
    example='securityPostureConfig: {"mode": "DISABLED"}',
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/about-security-posture-dashboard",
)
def gke_without_security_posture(cluster: Resource) -> Violations:
    """Google does not check the workloads of the GKE cluster.

    Another pair of eyes is lost; this scan is one as well.

    Fix: enable the security posture dashboard.

    Cannot see: scanners of others, this one included.
    """
    found = said(cluster, "securityPostureConfig.mode", empty="")
    if found.value not in ("BASIC", "ENTERPRISE"):
        yield found.review("enable the security posture dashboard")


@gke_control(
    "L-0075",
    "Shielded nodes are enabled",
    problem="Nodes are not shielded (GKE)",
    consequence="node escape",
    score=4.0,
    category="Control plane",
    example='shieldedNodes: {"enabled": false}',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/shielded-gke-nodes",
)
def gke_without_shielded_nodes(cluster: Resource) -> Violations:
    """GKE does not check that a node is the machine it says it is.

    Someone with a stolen bootstrap credential can join as a node, and reads the secrets of pods.

    Fix: enable shielded nodes.

    Cannot see: the settings of each pool, which other controls read.
    """
    found = said(cluster, "shieldedNodes.enabled", empty=False)
    if found.value is not True:
        yield found.review("enable shielded nodes")


@gke_control(
    "L-0079",
    "Cluster is VPC-native",
    problem="Routes in place of alias addresses (GKE)",
    score=3.0,
    category="Network",
    example='ipAllocationPolicy: {"useIpAliases": false}',
    see="https://cloud.google.com/kubernetes-engine/docs/concepts/alias-ips",
)
def gke_without_vpc_native(cluster: Resource) -> Violations:
    """Pods of the GKE cluster have addresses by routes.

    Checks against forged sender addresses are then off for its nodes.

    Fix: make a VPC-native cluster: an old one cannot be changed.

    Cannot see: firewall rules.
    """
    found = said(cluster, "ipAllocationPolicy.useIpAliases", empty=False)
    if found.value is not True:
        yield found.review("create the cluster again as a VPC-native one")


@gke_control(
    "L-0102",
    "Workload identity is enabled",
    problem="Workload identity is off (GKE)",
    consequence="secrets",
    score=5.0,
    category="Access control",
    example='workloadIdentityConfig: {"workloadPool": ""}',
    see="https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity",
)
def gke_without_workload_identity(cluster: Resource) -> Violations:
    """Pods of the GKE cluster have no identities of their own in Google Cloud.

    They then use keys in Secrets, or the account of the node that all pods share.

    Fix: enable Workload Identity Federation and bind service accounts to it.

    Cannot see: which workloads use it.
    """
    found = said(cluster, "workloadIdentityConfig.workloadPool", empty="")
    if not found.value:
        yield found.review("enable workload identity")
