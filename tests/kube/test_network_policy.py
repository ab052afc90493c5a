"""What network policies of three dialects select, isolate and let through."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.kube.network_policy import POLICY_KINDS, PolicyRule, policy_rules
from leadline.model.resource import resource_of

VERSIONS = {
    "networking.k8s.io": "networking.k8s.io/v1",
    "cilium.io": "cilium.io/v2",
    "crd.projectcalico.org": "crd.projectcalico.org/v1",
    "projectcalico.org": "projectcalico.org/v3",
}


def rules(kind: str, spec: Any, namespace: str = "shop", **others: Any) -> list[PolicyRule]:
    name, _, group = kind.partition(".")
    metadata = {"name": "p", **({"namespace": namespace} if namespace else {})}
    body = {"apiVersion": VERSIONS[group], "kind": name, "metadata": metadata, "spec": spec, **others}
    return list(policy_rules(resource_of(body)))


def rule(kind: str, spec: Any, namespace: str = "shop") -> PolicyRule:
    (only,) = rules(kind, spec, namespace)
    return only


KUBERNETES = "NetworkPolicy.networking.k8s.io"
CILIUM = "CiliumNetworkPolicy.cilium.io"
CALICO = "NetworkPolicy.projectcalico.org"
ALL = {"podSelector": {}}


@pytest.mark.parametrize(
    ("spec", "ways"),
    [
        ({}, (True, False)),
        ({"ingress": []}, (True, False)),
        ({"egress": []}, (True, False)),
        ({"egress": [{"to": [{"podSelector": {}}]}]}, (True, True)),
        ({"policyTypes": []}, (True, False)),
        ({"policyTypes": ["Egress"]}, (False, True)),
        ({"policyTypes": ["Ingress", "Egress"]}, (True, True)),
        ({"policyTypes": ["ingress"]}, (False, False)),
    ],
)
def test_kubernetes_isolates_ingress_unless_told_otherwise(spec, ways):
    found = rule(KUBERNETES, {**ALL, **spec})
    assert (found.isolates_ingress, found.isolates_egress) == ways


OPEN_OR_NOT = [
    ([], False),
    ([{}], True),
    ([None], True),
    ([{"PEERS": []}], True),
    ([{"PEERS": None}], True),
    ([{"ports": []}], True),
    ([{"ports": [{"port": 80}]}], False),
    ([{"PEERS": [], "ports": [{"port": 80}]}], False),
    ([{"PEERS": [{"podSelector": {}}]}], False),
    ([{"PEERS": [{"namespaceSelector": {}}]}], False),
    ([{"PEERS": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}], True),
    ([{"PEERS": [{"ipBlock": {"cidr": "::/0"}}]}], True),
    ([{"PEERS": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}}]}], False),
    ([{"PEERS": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}], False),
    ([{"PEERS": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"port": 53}]}], False),
    ([{"PEERS": [{"podSelector": {}}]}, {}], True),
    ("all", False),
    ([7, "x"], False),
]


@pytest.mark.parametrize("way", [("ingress", "from"), ("egress", "to")])
@pytest.mark.parametrize(("written", "is_open"), OPEN_OR_NOT)
def test_a_kubernetes_rule_without_peers_and_ports_opens_that_way(way, written, is_open):
    field, peers = way
    said = [
        {(peers if key == "PEERS" else key): value for key, value in item.items()} if isinstance(item, dict) else item
        for item in written
    ] if isinstance(written, list) else written  # fmt: skip
    found = rule(KUBERNETES, {**ALL, "policyTypes": ["Ingress", "Egress"], field: said})
    assert {"ingress": found.allows_all_ingress, "egress": found.allows_all_egress}[field] is is_open
    assert {"ingress": found.restricts_ingress, "egress": found.restricts_egress}[field] is not is_open
    assert {"ingress": found.restricts_egress, "egress": found.restricts_ingress}[field] is True


def test_a_kubernetes_policy_selects_pods_of_its_namespace():
    found = rule(KUBERNETES, {"podSelector": {"matchLabels": {"app": "web"}}})
    assert (found.namespace, found.pairs, found.selects_all) == ("shop", {"app": "web"}, False)
    assert found.selects({"app": "web", "tier": "front"})
    assert not found.selects({"app": "db"})
    assert rule(KUBERNETES, ALL, namespace="").namespace == "default"


@pytest.mark.parametrize("selector", [{}, None])
def test_an_empty_pod_selector_selects_every_pod(selector):
    found = rule(KUBERNETES, {"podSelector": selector})
    assert found.selects_all
    assert found.selects({})


@pytest.mark.parametrize(
    ("spec", "ways"),
    [
        ({}, (False, False)),
        ({"ingress": []}, (False, False)),
        ({"ingress": [{}]}, (True, False)),
        ({"egress": [{}]}, (False, True)),
        ({"ingressDeny": [{"fromEntities": ["world"]}]}, (True, False)),
        ({"egressDeny": [{"toEntities": ["world"]}]}, (False, True)),
        ({"ingress": [{}], "enableDefaultDeny": {"ingress": False}}, (False, False)),
        ({"enableDefaultDeny": {"ingress": True, "egress": True}}, (True, True)),
    ],
)
def test_cilium_isolates_each_way_that_has_a_rule_unless_told_otherwise(spec, ways):
    found = rule(CILIUM, {"endpointSelector": {}, **spec})
    assert (found.isolates_ingress, found.isolates_egress) == ways


@pytest.mark.parametrize(
    ("written", "is_open"),
    [
        ({}, False),
        ({"fromEndpoints": []}, False),
        ({"fromEndpoints": [{}]}, False),
        ({"fromEntities": ["all"]}, True),
        ({"fromEntities": ["cluster"]}, False),
        ({"fromCIDR": ["0.0.0.0/0"]}, True),
        ({"fromCIDR": ["10.0.0.0/8"]}, False),
        ({"fromCIDRSet": [{"cidr": "::/0"}]}, True),
        ({"toEntities": ["all"]}, False),
        ({"fromEntities": "all"}, False),
        ({"fromCIDRSet": [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]}, False),
        ({"fromEntities": ["all"], "toPorts": [{"ports": [{"port": "80"}]}]}, False),
        ({"toPorts": [{"ports": [{"port": "80"}]}]}, False),
    ],
)
def test_a_cilium_rule_opens_only_for_whom_it_names(written, is_open):
    found = rule(CILIUM, {"endpointSelector": {}, "ingress": [written]})
    assert (found.allows_all_ingress, found.restricts_ingress) == (is_open, not is_open)


def test_a_cilium_policy_holds_in_its_namespace():
    spec = {"endpointSelector": {}, "ingress": [{}]}
    assert (rule(CILIUM, spec, "bank").namespace, rule(CILIUM, spec, "").namespace) == ("bank", "default")


def test_cilium_egress_opens_to_all():
    assert rule(CILIUM, {"endpointSelector": {}, "egress": [{"toEntities": ["all"]}]}).allows_all_egress
    assert not rule(CILIUM, {"endpointSelector": {}, "egress": [{"toEntities": ["all"]}]}).allows_all_ingress


def test_cilium_labels_are_read_without_their_source():
    selector = {
        "matchLabels": {"k8s:app": "web"},
        "matchExpressions": [{"key": "any:tier", "operator": "In", "values": ["front"]}],
    }
    found = rule(CILIUM, {"endpointSelector": selector, "ingress": [{}]})
    assert found.pairs == {"app": "web"}
    assert found.selects({"app": "web", "tier": "front"})
    assert not found.selects({"app": "web"})


def test_a_cilium_policy_may_hold_several_specs_and_hold_for_all_namespaces():
    several = [
        {"endpointSelector": {}},
        {"nodeSelector": {}},
        "x",
        {"endpointSelector": {"matchLabels": {"a": "b"}}},
    ]
    found = rules("CiliumClusterwideNetworkPolicy.cilium.io", None, "", specs=several)
    assert [(r.path, r.namespace, r.selects_all) for r in found] == [
        ("specs[0]", "", True),
        ("specs[3]", "", False),
    ]


@pytest.mark.parametrize(
    ("spec", "ways"),
    [
        ({}, (True, False)),
        ({"ingress": []}, (True, False)),
        ({"egress": []}, (False, True)),
        ({"ingress": [], "egress": []}, (True, True)),
        ({"types": ["Egress"], "ingress": []}, (False, True)),
    ],
)
def test_calico_isolates_the_ways_that_it_writes(spec, ways):
    found = rule(CALICO, spec)
    assert (found.isolates_ingress, found.isolates_egress) == ways


@pytest.mark.parametrize(
    ("written", "is_open"),
    [
        ({"action": "Allow"}, True),
        ({"action": "Allow", "source": {}}, True),
        ({"action": "Allow", "source": {"nets": ["0.0.0.0/0"]}}, True),
        ({"action": "Allow", "source": {"nets": ["10.0.0.0/8"]}}, False),
        ({"action": "Allow", "source": {"nets": ["0.0.0.0/0"], "notNets": ["10.0.0.0/8"]}}, False),
        ({"action": "Allow", "source": {"selector": "app == 'web'"}}, False),
        ({"action": "Allow", "protocol": "TCP"}, False),
        ({"action": "Deny"}, False),
        ({"action": "Log"}, False),
        ({}, False),
    ],
)
def test_a_calico_rule_opens_when_it_allows_without_condition(written, is_open):
    assert rule(CALICO, {"ingress": [written]}).allows_all_ingress is is_open


@pytest.mark.parametrize(
    ("kind", "namespace"),
    [
        (CALICO, "shop"),
        ("GlobalNetworkPolicy.projectcalico.org", ""),
        ("GlobalNetworkPolicy.crd.projectcalico.org", ""),
    ],
)
def test_calico_selects_pods_and_namespaces_by_its_own_language(kind, namespace):
    found = rule(kind, {"selector": "app == 'web'", "namespaceSelector": "has(team)"}, "shop")
    assert (found.namespace, found.selects_all) == (namespace, False)
    assert found.selects({"app": "web"})
    assert not found.selects({"app": "db"})
    assert found.selects_namespace is not None
    assert found.selects_namespace({"team": "a"})
    assert not found.selects_namespace({})
    assert rule(kind, {}).selects_all


def test_an_authorization_policy_of_a_mesh_is_no_network_policy():
    body = {"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": "deny"}}
    assert list(policy_rules(resource_of({**body, "spec": {}}))) == []


def test_other_kinds_have_no_rules():
    assert list(policy_rules(resource_of({"apiVersion": "v1", "kind": "NetworkPolicy", "spec": ALL}))) == []
    assert (
        list(policy_rules(resource_of({"apiVersion": "other.io/v1", "kind": "NetworkPolicy", "spec": ALL})))
        == []
    )


FIELDS = st.sampled_from(
    [
        "podSelector",
        "endpointSelector",
        "selector",
        "namespaceSelector",
        "matchLabels",
        "matchExpressions",
        "key",
        "operator",
        "values",
        "ingress",
        "egress",
        "from",
        "to",
        "ports",
        "toPorts",
        "fromEntities",
        "fromCIDRSet",
        "ipBlock",
        "cidr",
        "except",
        "policyTypes",
        "types",
        "action",
        "source",
        "nets",
        "rules",
        "enableDefaultDeny",
    ]
)
SCALARS = (
    st.none() | st.booleans() | st.integers(-1, 1) | st.sampled_from(["", "all", "0.0.0.0/0", "Allow", "In"])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(POLICY_KINDS), JSON)
def test_no_spec_raises(kind, spec):
    for found in rules(kind, spec):
        assert isinstance(found.restricts_ingress, bool)
        assert isinstance(found.selects({"app": "web"}), bool)
        assert found.selects_namespace is None or isinstance(found.selects_namespace({"a": "b"}), bool)
