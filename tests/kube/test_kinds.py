import pytest

from leadline.kube.kinds import (
    ADDED,
    ADDED_WORKLOADS,
    BUILT_IN,
    GROUP_ALIASES,
    REMOVALS,
    REMOVED_KINDS,
    WORKLOADS,
    Removal,
    canonical_key,
    kind_key,
    plural_of,
    removal_of,
    split_key,
)
from leadline.posture.catalogue import load_controls
from leadline.posture.index import WORKLOADS as WORKLOADS_OF_ANY_KIND
from leadline.posture.required_kinds import kinds_needed


@pytest.mark.parametrize("key", ["Secret", "Deployment.apps", "Role.rbac.authorization.k8s.io"])
def test_a_key_is_group_and_kind(key: str) -> None:
    kind, group = split_key(key)
    assert kind_key(group, kind) == key


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Pod", "pods"),
        ("NetworkPolicy", "networkpolicies"),
        ("Gateway", "gateways"),
        ("Ingress", "ingresses"),
        ("Endpoints", "endpoints"),
        ("SecurityContextConstraints", "securitycontextconstraints"),
        ("StorageClass", "storageclasses"),
        ("IPAddress", "ipaddresses"),
    ],
)
def test_plurals_are_those_of_the_api(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural


PLURALS_OF_ADDED = {
    "CNIInfo.hostdata.kubescape.cloud": "cniinfos",
    "ControlPlaneInfo.hostdata.kubescape.cloud": "controlplaneinfos",
    "KubeProxyInfo.hostdata.kubescape.cloud": "kubeproxyinfos",
    "KubeletInfo.hostdata.kubescape.cloud": "kubeletinfos",
    "LinuxKernelVariables.hostdata.kubescape.cloud": "linuxkernelvariables",
    "OpenPortsList.hostdata.kubescape.cloud": "openportslists",
    "OsReleaseFile.hostdata.kubescape.cloud": "osreleasefiles",
    "VulnerabilityManifestSummary.spdx.softwarecomposition.kubescape.io": "vulnerabilitymanifestsummaries",
    "CiliumClusterwideNetworkPolicy.cilium.io": "ciliumclusterwidenetworkpolicies",
    "CiliumNetworkPolicy.cilium.io": "ciliumnetworkpolicies",
    "GRPCRoute.gateway.networking.k8s.io": "grpcroutes",
    "Gateway.gateway.networking.k8s.io": "gateways",
    "Gateway.networking.istio.io": "gateways",
    "GlobalNetworkPolicy.crd.projectcalico.org": "globalnetworkpolicies",
    "GlobalNetworkPolicy.projectcalico.org": "globalnetworkpolicies",
    "HTTPRoute.gateway.networking.k8s.io": "httproutes",
    "NetworkPolicy.crd.projectcalico.org": "networkpolicies",
    "NetworkPolicy.projectcalico.org": "networkpolicies",
    "PeerAuthentication.security.istio.io": "peerauthentications",
    "PodSecurityPolicy.policy": "podsecuritypolicies",
    "SandboxTemplate.extensions.agents.x-k8s.io": "sandboxtemplates",
    "SecurityContextConstraints.security.openshift.io": "securitycontextconstraints",
    "ServiceScanResult.kubescape.io": "servicesscanresults",
    "TCPRoute.gateway.networking.k8s.io": "tcproutes",
    "TLSRoute.gateway.networking.k8s.io": "tlsroutes",
    "UDPRoute.gateway.networking.k8s.io": "udproutes",
    "VirtualService.networking.istio.io": "virtualservices",
}
"""As the definitions of these projects say."""


def test_every_kind_that_controls_look_at_has_the_plural_of_its_definition() -> None:
    looked_at = kinds_needed(load_controls()) - {*BUILT_IN, *REMOVED_KINDS, WORKLOADS_OF_ANY_KIND}
    assert looked_at <= set(PLURALS_OF_ADDED)
    assert {key: ADDED[key].plural for key in PLURALS_OF_ADDED} == PLURALS_OF_ADDED


def test_old_groups_lead_to_kinds_that_are_known() -> None:
    assert {canonical_key(key) for key in GROUP_ALIASES} <= {*BUILT_IN, *ADDED}
    assert canonical_key("Ingress.extensions") == "Ingress.networking.k8s.io"
    assert canonical_key("Secret") == "Secret"


def test_workloads_are_kinds_that_are_known() -> None:
    assert set(WORKLOADS) <= set(BUILT_IN)
    assert set(ADDED_WORKLOADS) <= set(ADDED)


@pytest.mark.parametrize(
    ("api_version", "kind", "removal"),
    [
        ("extensions/v1beta1", "Ingress", Removal("1.14", "1.22", "networking.k8s.io/v1/Ingress")),
        ("batch/v1beta1", "CronJob", Removal("1.21", "1.25", "batch/v1/CronJob")),
        ("policy/v1beta1", "PodSecurityPolicy", Removal("1.21", "1.25", "")),
        ("apps/v1", "Deployment", None),
        ("v1", "Pod", None),
    ],
)
def test_the_end_of_an_api_version_is_known(api_version: str, kind: str, removal: Removal | None) -> None:
    assert removal_of(api_version, kind) == removal


def test_what_replaces_a_removed_version_is_not_removed_before_it() -> None:
    def number(version: str) -> tuple[int, ...]:
        return tuple(map(int, version.split(".")))

    for key, removal in REMOVALS.items():
        assert number(removal.deprecated_in) <= number(removal.removed_in), key
        following = REMOVALS.get(removal.replacement)
        assert following is None or number(following.removed_in) > number(removal.removed_in), key
