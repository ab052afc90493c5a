"""Which side lets a connection through, by which rule, and what is not known."""

from typing import Any

import pytest
import yaml
from msgspec import structs

from leadline.kube.network_policy import PolicyRule, policy_rules
from leadline.kube.reachability import (
    EVERY_PORT,
    End,
    Opening,
    Port,
    connection,
    container_ports,
    openings,
)
from leadline.model.resource import resource_of

PORTS = container_ports([{"ports": [{"name": "http", "containerPort": 8080}, {"containerPort": 9}]}])
WEB = End(namespace="shop", labels={"app": "web"}, address="10.0.0.1", ports=PORTS, node="one")
DB = End(namespace="shop", labels={"app": "db"}, address="10.0.0.2", node="two")
NODE = End(namespace="kube-system", address="192.168.0.1", node="one", is_on_host_network=True)
WORLD = End(address="203.0.113.9")
HTTP = Port(8080)


def rules(*specs: str, kind: str = "NetworkPolicy", group: str = "networking.k8s.io/v1") -> list[PolicyRule]:
    bodies = [
        {
            "apiVersion": group,
            "kind": kind,
            "metadata": {"name": f"p{number}", "namespace": "shop"},
            "spec": yaml.safe_load(spec),
        }
        for number, spec in enumerate(specs)
    ]
    return [rule for body in bodies for rule in policy_rules(resource_of(body))]


CLOSED = "{podSelector: {}, policyTypes: [Ingress, Egress]}"
TO_WEB = "{podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {app: none}}}]}, {ports: [{port: http}]}]}"
FROM_DB = (
    "{podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {matchLabels: {app: db}}}]}]}"
)


def test_both_sides_have_to_let_it_through_and_each_says_by_which_rule():
    found = connection(rules(CLOSED, TO_WEB, FROM_DB), DB, WEB, HTTP)
    assert found.verdict == "allowed"
    assert [(side.by and side.by.name, side.rule) for side in (found.egress, found.ingress)] == [
        ("p1", "spec.egress[1]"),
        ("p2", "spec.ingress[0]"),
    ]
    assert [one.name for one in found.egress.policies] == ["p0", "p1"]


@pytest.mark.parametrize(
    ("specs", "sides"),
    [
        ((), ("allowed", "allowed")),
        ((CLOSED,), ("denied", "denied")),
        ((CLOSED, TO_WEB), ("allowed", "denied")),
        ((CLOSED, FROM_DB), ("denied", "allowed")),
        ((TO_WEB,), ("allowed", "allowed")),
    ],
)
def test_the_side_that_denies_is_named(specs, sides):
    found = connection(rules(*specs), DB, WEB, HTTP)
    assert (found.egress.verdict, found.ingress.verdict) == sides
    assert found.verdict == ("denied" if "denied" in sides else "allowed")
    for side in (found.egress, found.ingress):
        if side.verdict == "denied":
            assert (side.why, side.policies[0].name, side.by) == ("no rule lets it through", "p0", None)


@pytest.mark.parametrize(
    ("source", "destination", "why"),
    [
        (
            structs.replace(WEB, name="web-1"),
            structs.replace(WEB, name="web-1"),
            "a pod always reaches itself",
        ),
        (NODE, WEB, "a node always reaches its own pods"),
        (WORLD, NODE, "no policy is about pods on the network of their node"),
        (NODE, WORLD, "no policy is about addresses outside of the cluster"),
        (WORLD, structs.replace(WEB, namespace="lab"), "no policy isolates the pod"),
    ],
)
def test_what_no_policy_can_keep_away(source, destination, why):
    found = connection(rules(CLOSED), source, destination, HTTP)
    assert (found.verdict, found.ingress.why) == ("allowed", why)


@pytest.mark.parametrize(
    ("source", "destination", "verdict"),
    [
        (structs.replace(WEB, name="web-1"), structs.replace(WEB, name="web-2"), "denied"),
        (WEB, WEB, "denied"),
        (structs.replace(NODE, node="three"), WEB, "denied"),
        (structs.replace(NODE, node=""), WEB, "unknown"),
        (NODE, structs.replace(WEB, node=""), "unknown"),
        (WORLD, WEB, "denied"),
    ],
)
def test_what_is_not_known_of_nodes_and_pods_is_not_taken_for_allowed(source, destination, verdict):
    assert connection(rules(CLOSED), source, destination, HTTP).verdict == verdict


BLOCK = "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: %s}}]}]}"


@pytest.mark.parametrize(
    ("block", "address", "verdict"),
    [
        ("10.0.0.0/24", "", "unknown"),
        ("0.0.0.0/0", "", "allowed"),
        ("'::/0'", "", "allowed"),
        ("0.0.0.0/0, except: [10.0.0.0/8]", "", "unknown"),
        ("0.0.0.0/0, except: [10.0.0.0/8]", "10.1.1.1", "denied"),
        ("10.0.0.0/24", "::ffff:10.0.0.7", "allowed"),
        ("0.0.0.0/0", "fd00::1", "denied"),
        # What the API server refuses lets nothing through.
        ("10.0.0.0", "10.0.0.0", "denied"),
        ("nonsense/24", "10.0.0.7", "denied"),
        ("10.0.0.0/24, except: [nonsense]", "10.0.0.7", "denied"),
        ("7", "10.0.0.7", "denied"),
    ],
)
def test_an_address_that_is_not_known_may_be_within_a_block(block, address, verdict):
    source = structs.replace(DB, address=address)
    found = connection(rules(BLOCK % block), source, WEB, HTTP)
    assert found.verdict == verdict
    if verdict == "unknown":
        assert found.ingress.why == "the address of the other end is not known"
        assert (found.ingress.by and found.ingress.by.name, found.ingress.rule) == ("p0", "spec.ingress[0]")


OF_SPACES = "{podSelector: {}, ingress: [{from: [{namespaceSelector: %s}]}]}"


@pytest.mark.parametrize(
    ("selector", "verdict"),
    [
        ("{matchLabels: {team: a}}", "unknown"),
        ("{matchExpressions: [{key: team, operator: DoesNotExist}]}", "unknown"),
        ("{matchLabels: {kubernetes.io/metadata.name: shop}}", "allowed"),
        ("{matchLabels: {kubernetes.io/metadata.name: lab}}", "denied"),
        ("{}", "allowed"),
        ("{matchLabels: {team: a}}, podSelector: {matchLabels: {app: web}}", "denied"),
    ],
)
def test_labels_of_a_namespace_that_was_not_read_are_not_known(selector, verdict):
    source = structs.replace(
        DB, namespace_labels={"kubernetes.io/metadata.name": "shop"}, is_namespace_known=False
    )
    found = connection(rules(OF_SPACES % selector), source, WEB, HTTP)
    assert found.verdict == verdict
    if verdict == "unknown":
        assert found.ingress.why == "the labels of the namespace shop are not known"


def test_a_rule_that_may_let_through_gives_way_to_one_that_does():
    source = structs.replace(DB, address="")
    found = connection(rules(BLOCK % "10.0.0.0/24", FROM_DB), source, WEB, HTTP)
    assert (found.verdict, found.ingress.by and found.ingress.by.name) == ("allowed", "p1")


CILIUM = {"kind": "CiliumNetworkPolicy", "group": "cilium.io/v2"}


@pytest.mark.parametrize(
    ("spec", "verdict"),
    [
        ("{endpointSelector: {}, ingress: [{fromEntities: [all]}]}", "allowed"),
        ("{endpointSelector: {}, ingress: [{fromEntities: [host]}]}", "unknown"),
        ("{endpointSelector: {}, ingress: [{}]}", "unknown"),
        ("{endpointSelector: {matchLabels: {app: db}}, ingress: [{}]}", "allowed"),
    ],
)
def test_what_policies_of_others_let_through_is_not_known_unless_it_is_everything(spec, verdict):
    found = connection(rules(spec, **CILIUM), WORLD, WEB, HTTP)
    assert found.verdict == verdict
    assert bool(found.ingress.by) == ("app" not in spec)


@pytest.mark.parametrize(
    "spec",
    [
        "{podSelector: {}, ingress: [{from: [{}]}]}",
        "{podSelector: {}, ingress: [7, {ports: [{port: 0}]}, {ports: [{port: true}]}, {ports: [{port: [1]}]}]}",
        "{podSelector: {}, ingress: [{ports: [7], from: [7]}]}",
        "{podSelector: {}, ingress: [{ports: [{port: 8079, endPort: 8080, protocol: 7}]}]}",
        "{podSelector: {}, ingress: [{from: [{podSelector: 7}, {namespaceSelector: 7}, {ipBlock: 7}]}]}",
        "{podSelector: {}, ingress: 7}",
        "{podSelector: {}, ingress: [{ports: [{port: '8080'}]}]}",
    ],
)
def test_what_the_api_server_refuses_lets_nothing_through(spec):
    assert connection(rules(spec), DB, WEB, HTTP).verdict == "denied"
    assert openings(rules(spec), WEB) == ()


@pytest.mark.parametrize(
    ("ingress", "to_all", "to_some"),
    [
        ("[]", (), ()),
        ("[{}]", EVERY_PORT, EVERY_PORT),
        ("[{from: [{podSelector: {}}]}]", (), EVERY_PORT),
        ("[{ports: [{port: http}]}]", (Opening(8080, 8080, "TCP"),), (Opening(8080, 8080, "TCP"),)),
        ("[{ports: [{port: http, protocol: UDP}]}]", (), ()),
        ("[{ports: [{protocol: UDP}]}]", (Opening(1, 65535, "UDP"),), (Opening(1, 65535, "UDP"),)),
        ("[{ports: [{}, {protocol: UDP}, {protocol: SCTP}]}]", EVERY_PORT, EVERY_PORT),
        (
            "[{ports: [{port: 5, endPort: 9}], from: [{namespaceSelector: {matchLabels: {a: b}}}]}]",
            (),
            (Opening(5, 9, "TCP"),),
        ),
        ("[{from: [{namespaceSelector: {}, podSelector: {matchLabels: {a: b}}}]}]", (), EVERY_PORT),
        ("[{from: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8]}}]}]", (), EVERY_PORT),
    ],
)
def test_openings_are_what_every_pod_or_anyone_at_all_reaches(ingress, to_all, to_some):
    found = rules(f"{{podSelector: {{}}, ingress: {ingress}}}")
    assert openings(found, WEB) == to_all
    assert openings(found, WEB, to_some=True) == to_some


def test_openings_of_policies_of_others_are_everything_or_not_known():
    some = rules("{endpointSelector: {}, ingress: [{fromEntities: [host]}]}", **CILIUM)
    assert openings(some, WEB) == ()
    assert openings(some, WEB, to_some=True) == EVERY_PORT
    assert openings(some, structs.replace(WEB, is_on_host_network=True)) == EVERY_PORT


def test_ports_are_read_by_name_and_protocol_and_nonsense_is_not():
    listed: list[Any] = [
        {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        {"name": "dns", "containerPort": 5353, "protocol": "UDP"},
        {"containerPort": 80},
        {"name": "bad", "containerPort": "80"},
        {"name": ["bad"], "containerPort": 80},
        7,
    ]
    assert container_ports([{"ports": listed}, {"ports": None}, {}]) == {
        ("dns", "UDP"): {53, 5353},
        ("", "TCP"): {80},
    }


UNKNOWN = End(address="10.96.0.7", is_whose_unknown=True)
TO_PODS = (
    "{podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}], ports: [{port: 8080}]}]}"
)


@pytest.mark.parametrize(
    ("rule", "port", "verdict"),
    [
        ("{}", 80, "allowed"),
        ("{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}", 80, "allowed"),
        ("{to: [{ipBlock: {cidr: 10.96.0.0/16}}]}", 80, "unknown"),
        ("{to: [{ipBlock: {cidr: 8.8.8.0/24}}]}", 80, "denied"),
        ("{to: [{podSelector: {}}]}", 80, "unknown"),
        ("{to: [{podSelector: {}}], ports: [{port: 8080}]}", 80, "unknown"),
        ("{to: [{ipBlock: {cidr: 8.8.8.0/24}}], ports: [{port: 8080}]}", 80, "denied"),
    ],
)
def test_an_address_that_a_service_may_have_is_denied_only_where_nothing_is_about_pods(rule, port, verdict):
    spec = f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{rule}]}}"
    assert connection(rules(spec), WEB, UNKNOWN, Port(port)).verdict == verdict


def test_it_is_denied_where_there_is_no_rule_at_all_and_allowed_where_no_policy_is():
    assert connection(rules(CLOSED), WEB, UNKNOWN, HTTP).verdict == "denied"
    assert connection([], WEB, UNKNOWN, HTTP).verdict == "allowed"


def test_a_pod_of_which_not_all_labels_are_known_may_be_meant():
    policies = rules(FROM_DB)
    known = End(namespace="shop", labels={"tier": "data"})
    assert connection(policies, known, WEB, HTTP).verdict == "denied"
    assert (
        connection(policies, structs.replace(known, are_labels_known=False), WEB, HTTP).verdict == "unknown"
    )
    other = structs.replace(known, namespace="lab", are_labels_known=False)
    assert connection(policies, other, WEB, HTTP).verdict == "denied"
