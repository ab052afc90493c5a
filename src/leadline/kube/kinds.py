"""Every kind that Kubernetes itself serves, and the API versions it has given up.

A kind is written ``Kind`` in the core group and ``Kind.group`` elsewhere: ``Secret``, ``Deployment.apps``.

Sources: the API types of Kubernetes 1.36 and their ``APILifecycleRemoved`` notes
(https://github.com/kubernetes/api), https://kubernetes.io/docs/reference/using-api/deprecation-guide/
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct


class Kind(Struct, frozen=True):
    """One kind as the API serves it."""

    group: str
    """Empty for the core group."""
    name: str
    plural: str
    is_namespaced: bool

    @property
    def key(self) -> str:
        """``Kind`` or ``Kind.group``."""
        return kind_key(self.group, self.name)


class Removal(Struct, frozen=True):
    """When an API version stopped (or will stop) being served. Versions are Kubernetes', ``1.22``."""

    deprecated_in: str
    removed_in: str
    replacement: str
    """``group/version/Kind`` or, in the core group, ``version/Kind``; empty where nothing takes its place."""


def kind_key(group: str, kind: str) -> str:
    """``Kind`` or ``Kind.group``; the inverse of ``split_key``."""
    return f"{kind}.{group}" if group else kind


def split_key(key: str) -> tuple[str, str]:
    """(kind, group)."""
    kind, _, group = key.partition(".")
    return kind, group


def canonical_key(key: str) -> str:
    """The key under which the objects are served today: ``Ingress.extensions`` is ``Ingress.networking.k8s.io``."""
    return GROUP_ALIASES.get(key, key)


def plural_of(kind: str) -> str:
    """The name of a kind in URLs and RBAC rules, by the rule that nearly all definitions follow."""
    if kind in _IRREGULAR_PLURALS:
        return _IRREGULAR_PLURALS[kind]
    word = kind.lower()
    if word.endswith(("points", "constraints")):
        return word
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    return word + ("es" if word.endswith(("s", "x", "ch", "sh")) else "s")


def removal_of(api_version: str, kind: str) -> Removal | None:
    """The end of ``apiVersion``/``kind``; ``None`` for one that is served without an announced end."""
    return REMOVALS.get(f"{api_version}/{kind}")


_IRREGULAR_PLURALS: Mapping[str, str] = {
    "ServiceScanResult": "servicesscanresults",
    "LinuxKernelVariables": "linuxkernelvariables",
    "OsReleaseFile": "osreleasefiles",
}


def _kinds(names: Mapping[str, str], *, is_namespaced: bool) -> Iterable[Kind]:
    for group, kinds in names.items():
        for kind in kinds.split():
            yield Kind(group, kind, plural_of(kind), is_namespaced)


_OF_NAMESPACES = {
    "": "ConfigMap Endpoints Event LimitRange PersistentVolumeClaim Pod PodTemplate ReplicationController "
    "ResourceQuota Secret Service ServiceAccount",
    "apps": "ControllerRevision DaemonSet Deployment ReplicaSet StatefulSet",
    "autoscaling": "HorizontalPodAutoscaler",
    "batch": "CronJob Job",
    "certificates.k8s.io": "PodCertificateRequest",
    "coordination.k8s.io": "Lease LeaseCandidate",
    "discovery.k8s.io": "EndpointSlice",
    "events.k8s.io": "Event",
    "networking.k8s.io": "Ingress NetworkPolicy",
    "policy": "PodDisruptionBudget",
    "rbac.authorization.k8s.io": "Role RoleBinding",
    "resource.k8s.io": "ResourceClaim ResourceClaimTemplate",
    "scheduling.k8s.io": "PodGroup Workload",
    "storage.k8s.io": "CSIStorageCapacity",
}
_OF_CLUSTER = {
    "": "ComponentStatus Namespace Node PersistentVolume",
    "admissionregistration.k8s.io": "MutatingAdmissionPolicy MutatingAdmissionPolicyBinding "
    "MutatingWebhookConfiguration ValidatingAdmissionPolicy ValidatingAdmissionPolicyBinding "
    "ValidatingWebhookConfiguration",
    "apiextensions.k8s.io": "CustomResourceDefinition",
    "apiregistration.k8s.io": "APIService",
    "certificates.k8s.io": "CertificateSigningRequest ClusterTrustBundle",
    "flowcontrol.apiserver.k8s.io": "FlowSchema PriorityLevelConfiguration",
    "networking.k8s.io": "IPAddress IngressClass ServiceCIDR",
    "node.k8s.io": "RuntimeClass",
    "rbac.authorization.k8s.io": "ClusterRole ClusterRoleBinding",
    "resource.k8s.io": "DeviceClass DeviceTaintRule ResourceSlice",
    "scheduling.k8s.io": "PriorityClass",
    "storage.k8s.io": "CSIDriver CSINode StorageClass VolumeAttachment VolumeAttributesClass",
    "storagemigration.k8s.io": "StorageVersionMigration",
    "internal.apiserver.k8s.io": "StorageVersion",
}
_ADDED_OF_NAMESPACES = {
    "apps.kruise.io": "CloneSet DaemonSet StatefulSet",
    "apps.openshift.io": "DeploymentConfig",
    "argoproj.io": "Rollout",
    "cilium.io": "CiliumNetworkPolicy",
    "crd.projectcalico.org": "NetworkPolicy",
    "extensions.agents.x-k8s.io": "SandboxTemplate",
    "gateway.networking.k8s.io": "Gateway GRPCRoute HTTPRoute TCPRoute TLSRoute UDPRoute",
    "kubescape.io": "ServiceScanResult",
    "networking.istio.io": "DestinationRule Gateway VirtualService",
    "projectcalico.org": "NetworkPolicy",
    "route.openshift.io": "Route",
    "security.istio.io": "AuthorizationPolicy PeerAuthentication",
    "serving.knative.dev": "Configuration Revision Service",
    "spdx.softwarecomposition.kubescape.io": "VulnerabilityManifestSummary",
}
_ADDED_OF_CLUSTER = {
    "cilium.io": "CiliumClusterwideNetworkPolicy",
    "crd.projectcalico.org": "GlobalNetworkPolicy",
    "gateway.networking.k8s.io": "GatewayClass",
    "hostdata.kubescape.cloud": "CNIInfo ControlPlaneInfo KernelVersion KubeProxyInfo KubeletInfo LinuxKernelVariables OpenPortsList "
    "OsReleaseFile",
    "policy": "PodSecurityPolicy",
    "policy.networking.k8s.io": "AdminNetworkPolicy BaselineAdminNetworkPolicy",
    "projectcalico.org": "GlobalNetworkPolicy",
    "security.openshift.io": "SecurityContextConstraints",
}


def _table(of_namespaces: Mapping[str, str], of_cluster: Mapping[str, str]) -> dict[str, Kind]:
    rows = [*_kinds(of_namespaces, is_namespaced=True), *_kinds(of_cluster, is_namespaced=False)]
    return {row.key: row for row in rows}


SHORT_NAMES: Mapping[str, str] = {
    "po": "pod",
    "deploy": "deployment",
    "ds": "daemonset",
    "sts": "statefulset",
    "rs": "replicaset",
    "rc": "replicationcontroller",
    "cj": "cronjob",
}
"""What servers offer for kinds that run pods, to the kind in lower case."""

BUILT_IN: Mapping[str, Kind] = _table(_OF_NAMESPACES, _OF_CLUSTER)
"""Kinds of Kubernetes 1.36 that are stored and can be listed, by key."""

ADDED: Mapping[str, Kind] = _table(_ADDED_OF_NAMESPACES, _ADDED_OF_CLUSTER)
"""Kinds of well-known additions, and those that older servers still have, by key."""

WORKLOADS = (
    "Pod",
    "ReplicationController",
    "PodTemplate",
    "Deployment.apps",
    "StatefulSet.apps",
    "DaemonSet.apps",
    "ReplicaSet.apps",
    "ControllerRevision.apps",
    "Job.batch",
    "CronJob.batch",
)
"""Kinds that Kubernetes itself makes pods from."""

ADDED_WORKLOADS = (
    "Rollout.argoproj.io",
    "DeploymentConfig.apps.openshift.io",
    "Service.serving.knative.dev",
    "Configuration.serving.knative.dev",
    "Revision.serving.knative.dev",
    "CloneSet.apps.kruise.io",
    "DaemonSet.apps.kruise.io",
    "StatefulSet.apps.kruise.io",
)
"""Custom kinds that are known to run pods, whatever their schema says."""

HANDS_POD_ON = frozenset({*WORKLOADS, *ADDED_WORKLOADS}) - {"ControllerRevision.apps"}
"""Kinds whose pod template reaches their pods as it is, so that a judgement of the owner holds for what it owns.

A ControllerRevision owns no pods: a StatefulSet or DaemonSet that is being rolled out makes its older ones from it."""

GROUP_ALIASES: Mapping[str, str] = {
    "DaemonSet.extensions": "DaemonSet.apps",
    "Deployment.extensions": "Deployment.apps",
    "ReplicaSet.extensions": "ReplicaSet.apps",
    "Ingress.extensions": "Ingress.networking.k8s.io",
    "NetworkPolicy.extensions": "NetworkPolicy.networking.k8s.io",
    "PodSecurityPolicy.extensions": "PodSecurityPolicy.policy",
    "Event.events.k8s.io": "Event",
}
"""Keys that are another name for the same stored objects."""


def _removals(rows: str) -> dict[str, Removal]:
    """Lines of: deprecated in, removed in, ``group/version``, kinds joined by commas, version (or path) to use."""
    table: dict[str, Removal] = {}
    for row in rows.strip().splitlines():
        deprecated, removed, api_version, kinds, target = row.split()
        for kind in kinds.split(","):
            group = api_version.partition("/")[0]
            replacement = {"-": ""}.get(target, target if "/" in target else f"{group}/{target}")
            table[f"{api_version}/{kind}"] = Removal(
                deprecated, removed, f"{replacement}/{kind}" if replacement else ""
            )
    return table


REMOVALS: Mapping[str, Removal] = _removals("""
1.8  1.16 apps/v1beta1 ControllerRevision,Deployment,StatefulSet v1
1.9  1.16 apps/v1beta2 ControllerRevision,DaemonSet,Deployment,ReplicaSet,StatefulSet v1
1.8  1.16 extensions/v1beta1 DaemonSet,Deployment,ReplicaSet apps/v1
1.9  1.16 extensions/v1beta1 NetworkPolicy networking.k8s.io/v1
1.11 1.16 extensions/v1beta1 PodSecurityPolicy -
1.14 1.22 extensions/v1beta1 Ingress networking.k8s.io/v1
1.11 1.20 settings.k8s.io/v1alpha1 PodPreset -
1.21 1.21 batch/v2alpha1 CronJob v1
1.16 1.22 admissionregistration.k8s.io/v1beta1 MutatingWebhookConfiguration,ValidatingWebhookConfiguration v1
1.16 1.22 apiextensions.k8s.io/v1beta1 CustomResourceDefinition v1
1.19 1.22 apiregistration.k8s.io/v1beta1 APIService v1
1.19 1.22 authentication.k8s.io/v1beta1 TokenReview v1
1.19 1.22 authorization.k8s.io/v1beta1 LocalSubjectAccessReview,SelfSubjectAccessReview,SubjectAccessReview v1
1.19 1.22 authorization.k8s.io/v1beta1 SelfSubjectRulesReview v1
1.19 1.22 certificates.k8s.io/v1beta1 CertificateSigningRequest v1
1.19 1.22 coordination.k8s.io/v1beta1 Lease v1
1.19 1.22 networking.k8s.io/v1beta1 Ingress,IngressClass v1
1.17 1.22 rbac.authorization.k8s.io/v1alpha1 ClusterRole,ClusterRoleBinding,Role,RoleBinding v1
1.17 1.22 rbac.authorization.k8s.io/v1beta1 ClusterRole,ClusterRoleBinding,Role,RoleBinding v1
1.14 1.22 scheduling.k8s.io/v1beta1 PriorityClass v1
1.17 1.22 storage.k8s.io/v1beta1 CSINode v1
1.19 1.22 storage.k8s.io/v1beta1 CSIDriver,StorageClass,VolumeAttachment v1
1.21 1.24 storage.k8s.io/v1alpha1 CSIStorageCapacity,VolumeAttachment v1
1.21 1.25 batch/v1beta1 CronJob v1
1.21 1.25 discovery.k8s.io/v1beta1 EndpointSlice v1
1.22 1.25 events.k8s.io/v1beta1 Event v1
1.22 1.25 autoscaling/v2beta1 HorizontalPodAutoscaler v2
1.21 1.25 policy/v1beta1 PodDisruptionBudget v1
1.22 1.25 policy/v1beta1 Eviction v1
1.21 1.25 policy/v1beta1 PodSecurityPolicy -
1.22 1.25 node.k8s.io/v1beta1 RuntimeClass v1
1.23 1.26 autoscaling/v2beta2 HorizontalPodAutoscaler v2
1.23 1.26 flowcontrol.apiserver.k8s.io/v1beta1 FlowSchema,PriorityLevelConfiguration v1
1.24 1.27 storage.k8s.io/v1beta1 CSIStorageCapacity v1
1.26 1.29 flowcontrol.apiserver.k8s.io/v1beta2 FlowSchema,PriorityLevelConfiguration v1
1.29 1.32 flowcontrol.apiserver.k8s.io/v1beta3 FlowSchema,PriorityLevelConfiguration v1
1.29 1.32 admissionregistration.k8s.io/v1alpha1 ValidatingAdmissionPolicy,ValidatingAdmissionPolicyBinding v1
1.29 1.32 authentication.k8s.io/v1alpha1 SelfSubjectReview v1
1.30 1.33 authentication.k8s.io/v1beta1 SelfSubjectReview v1
1.31 1.34 admissionregistration.k8s.io/v1beta1 ValidatingAdmissionPolicy,ValidatingAdmissionPolicyBinding v1
1.32 1.35 storage.k8s.io/v1alpha1 VolumeAttributesClass v1
1.34 1.37 storage.k8s.io/v1beta1 VolumeAttributesClass v1
1.34 1.37 networking.k8s.io/v1beta1 IPAddress,ServiceCIDR v1
1.34 1.37 certificates.k8s.io/v1alpha1 ClusterTrustBundle v1beta1
1.35 1.38 admissionregistration.k8s.io/v1alpha1 MutatingAdmissionPolicy,MutatingAdmissionPolicyBinding v1
1.35 1.38 coordination.k8s.io/v1alpha2 LeaseCandidate v1beta1
1.35 1.38 resource.k8s.io/v1beta1 DeviceClass,ResourceClaim,ResourceClaimTemplate,ResourceSlice v1
1.36 1.39 resource.k8s.io/v1beta2 DeviceClass,ResourceClaim,ResourceClaimTemplate,ResourceSlice v1
""")
"""``group/version/Kind`` to its end; those above the newest release are the announced ones."""

REMOVED_KINDS: tuple[str, ...] = tuple(
    sorted(
        {
            canonical_key(kind_key(api_version.partition("/")[0], kind))
            for api_version, _, kind in (row.rpartition("/") for row in REMOVALS)
        }
    )
)
"""Keys of the kinds that once had, or will have, a version that is not served any more."""
