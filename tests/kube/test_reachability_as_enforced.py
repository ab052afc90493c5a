"""Our reachability against what enforces policies in clusters: the evaluator of kube-network-policies, over drawn ones."""

import json
import subprocess
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest
from binaries import MissingError, policies
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.kube.network_policy import policy_rules
from leadline.kube.reachability import End, Port, connection, container_ports
from leadline.model.resource import resource_of

SPACES = ("shop", "lab")
KEYS, VALUES = ("app",), ("a", "b")
NUMBERS = (80, 81, 8080, 65535)
NAMES = ("web", "metrics")
PROTOCOLS = ("TCP", "UDP", "SCTP")
ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.1.3", "fd00::4")
"""Of the pods; the last has one of IPv6."""
NODE = "192.168.0.1"
OUTSIDE = ("10.0.0.200", "192.0.2.7", "fd00::99")
BLOCKS = {
    "0.0.0.0/0": ("10.0.0.0/8", "192.0.2.7/32", "192.168.0.0/24"),
    "::/0": ("fd00::/64",),
    "10.0.0.0/16": ("10.0.0.0/24", "10.0.0.2/32"),
    "10.0.0.1/24": ("10.0.0.0/31",),
    "192.168.0.1/32": (),
    "fd00::/16": ("fd00::4/128",),
}

labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES))


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def few(items: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[list[Any]]:
    return st.lists(items, max_size=most)


keys = st.sampled_from((*KEYS, "kubernetes.io/metadata.name"))
among = st.lists(st.sampled_from((*VALUES, *SPACES)), min_size=1, max_size=2)
expressions = st.one_of(
    st.fixed_dictionaries({"key": keys, "operator": st.sampled_from(("In", "NotIn")), "values": among}),
    st.fixed_dictionaries({"key": keys, "operator": st.sampled_from(("Exists", "DoesNotExist"))}),
)
one_label = st.builds(lambda key, value: {key: value}, st.sampled_from(KEYS), st.sampled_from(VALUES))
selectors = st.one_of(
    st.just({}),
    st.builds(lambda pairs: {"matchLabels": pairs}, one_label),
    optional(matchLabels=labels, matchExpressions=few(expressions, 2)),
)
ports = st.one_of(
    optional(protocol=st.sampled_from(PROTOCOLS), port=st.sampled_from((*NUMBERS, *NAMES))),
    st.fixed_dictionaries(
        {"port": st.sampled_from((79, 80, 81)), "endPort": st.sampled_from((81, 8080, 65535))},
        optional={"protocol": st.sampled_from(PROTOCOLS)},
    ),
)
blocks = st.sampled_from(sorted(BLOCKS)).flatmap(
    lambda cidr: st.fixed_dictionaries(
        {"cidr": st.just(cidr)},
        optional={
            "except": st.lists(st.sampled_from(BLOCKS[cidr]), min_size=1) if BLOCKS[cidr] else st.just([])
        },
    )
)
peers = st.one_of(
    st.fixed_dictionaries({"ipBlock": blocks}),
    st.fixed_dictionaries({"podSelector": selectors}, optional={"namespaceSelector": selectors}),
    st.fixed_dictionaries({"namespaceSelector": selectors}),
)


def rules_to(field: str) -> st.SearchStrategy[list[Any]]:
    """Mostly one or two, that ask for something: what lets all through hides what others say."""
    some_ports, some_peers = (st.lists(one, min_size=1, max_size=3) for one in (ports, peers))
    narrow = st.fixed_dictionaries({field: some_peers}, optional={"ports": some_ports})
    by_port = st.fixed_dictionaries({"ports": some_ports})
    return few(st.one_of(narrow, narrow, by_port, st.just({}), st.just({field: [], "ports": []})), 2)


specs = st.fixed_dictionaries(
    {"podSelector": selectors},
    optional={
        "policyTypes": st.sampled_from(([], ["Ingress"], ["Egress"], ["Ingress", "Egress"])),
        "ingress": rules_to("from"),
        "egress": rules_to("to"),
    },
)
drawn_policies = st.lists(st.tuples(st.sampled_from(SPACES), specs), min_size=1, max_size=3)
container_port_lists = few(
    st.fixed_dictionaries(
        {"name": st.sampled_from(NAMES), "containerPort": st.sampled_from(NUMBERS)},
        optional={"protocol": st.sampled_from(PROTOCOLS)},
    ),
    3,
)
pods = st.fixed_dictionaries(
    {"namespace": st.sampled_from(SPACES), "labels": labels, "ports": container_port_lists}
)


def clusters(written: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(
        st.fixed_dictionaries(dict.fromkeys(SPACES, labels)),
        st.lists(pods, min_size=len(ADDRESSES), max_size=len(ADDRESSES)),
        written,
    )


def one_rule(way: str, peer: str) -> st.SearchStrategy[Any]:
    """A policy for all pods of a namespace that lets one thing through."""
    rule = st.builds(lambda port, who: {"ports": [port], peer: [who]}, ports, peers)
    spec = st.builds(lambda rule: {"podSelector": {}, "policyTypes": [way.capitalize()], way: [rule]}, rule)
    return st.tuples(st.sampled_from(SPACES), spec).map(lambda one: [one])


Judge = Callable[[dict[str, Any]], list[bool]]


@pytest.fixture(scope="module")
def enforcer() -> Iterator[Judge]:
    try:
        program = policies()
    except MissingError as error:
        pytest.skip(str(error))
    with subprocess.Popen(
        [program, "judge"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        writing, reading = process.stdin, process.stdout

        def judge(question: dict[str, Any]) -> list[bool]:
            print(json.dumps(question), file=writing, flush=True)
            answers: list[bool] = json.loads(reading.readline())
            return answers

        yield judge
        writing.close()


def as_stored(spec: dict[str, Any]) -> dict[str, Any]:
    """What the API server makes of it: defaults filled in, empty lists gone."""
    kinds = spec.get("policyTypes") or (["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])
    stored = {**spec, "policyTypes": kinds}
    for way in ("ingress", "egress"):
        rules = [
            {**rule, "ports": [{"protocol": "TCP", **port} for port in rule.get("ports") or ()]}
            for rule in stored.pop(way, ())
        ]
        if rules:
            stored[way] = rules
    return stored


def pod_body(number: int, pod: dict[str, Any]) -> dict[str, Any]:
    listed = [{"protocol": "TCP", **port} for port in pod["ports"]]
    return {
        "metadata": {"name": f"pod-{number}", "namespace": pod["namespace"], "labels": pod["labels"]},
        "spec": {
            "hostNetwork": pod.get("host", False),
            "containers": [{"name": "c", "ports": listed[:1]}, {"name": "d", "ports": listed[1:]}],
        },
        "status": {"phase": "Running", "podIPs": [{"ip": pod["address"]}]},
    }


@settings(max_examples=200)
@given(cluster=clusters(drawn_policies))
def test_every_packet_is_judged_as_it_is_enforced(enforcer, cluster):
    check(enforcer, *cluster)


@settings(max_examples=300)
@given(cluster=clusters(st.one_of(one_rule("ingress", "from"), one_rule("egress", "to"))))
def test_every_packet_is_judged_as_it_is_enforced_where_one_rule_decides(enforcer, cluster):
    check(enforcer, *cluster)


def check(enforcer: Judge, spaces: Any, drawn: Any, written: Any) -> None:
    host = {"namespace": "shop", "labels": {"app": "a"}, "ports": [], "address": NODE, "host": True}
    placed = [{**pod, "address": address} for pod, address in zip(drawn, ADDRESSES, strict=True)] + [host]
    named = {name: {**own, "kubernetes.io/metadata.name": name} for name, own in spaces.items()}
    ends = [
        End(
            namespace=pod["namespace"],
            labels=pod["labels"],
            namespace_labels=named[pod["namespace"]],
            name=f"pod-{number}",
            address=pod["address"],
            node="other" if "host" in pod else "node",
            is_on_host_network="host" in pod,
            ports=container_ports([{"ports": pod["ports"]}]),
        )
        for number, pod in enumerate(placed)
    ]
    ends += [End(address=address) for address in OUTSIDE]
    bodies = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"p{number}", "namespace": space},
            "spec": spec,
        }
        for number, (space, spec) in enumerate(written)
    ]
    rules = [rule for body in bodies for rule in policy_rules(resource_of(body))]
    packets = [
        (source, destination, Port(number, protocol))
        for source, destination in product(ends, ends)
        if source is not destination
        for number, protocol in product(NUMBERS, PROTOCOLS)
    ]
    enforced = enforcer(
        {
            "namespaces": [{"metadata": {"name": name, "labels": own}} for name, own in named.items()],
            "pods": [pod_body(number, pod) for number, pod in enumerate(placed)],
            "policies": [{**body, "spec": as_stored(body["spec"])} for body in bodies],
            "packets": [
                {"from": a.address, "to": b.address, "protocol": port.protocol, "port": port.number}
                for a, b, port in packets
            ],
        }
    )
    for (source, destination, port), passes in zip(packets, enforced, strict=True):
        found = connection(rules, source, destination, port)
        assert found.verdict == ("allowed" if passes else "denied"), (source, destination, port, found)
