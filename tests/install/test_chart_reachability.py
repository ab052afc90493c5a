"""The chart's NetworkPolicies, by our own reachability: what each program needs passes, and nothing else does.

A port that a program gets, and that no rule or no line here is about, is a failure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from test_chart import of_kind, render

from leadline.kube.network_policy import PolicyRule, policy_rules
from leadline.kube.reachability import End, Port, connection, container_ports
from leadline.model.resource import resource_of

SPACE = "security"
API = "10.0.0.1"
"""Of kube-apiserver."""
OUTSIDE, METADATA = "203.0.113.5", "169.254.169.254"
OURS = "10.1.0.9"
PORTS = (22, 53, 80, 443, 514, 601, 2379, 5000, 5432, 5433, 6443, 8080, 8081, 8443, 9093, 10250, 65535)
ASKED = [Port(number, protocol) for number in PORTS for protocol in ("TCP", "UDP", "SCTP")]
NAMES = {"53/TCP", "53/UDP"}
KUBE_API = {"443/TCP", "6443/TCP"}
ENTRIES = {"api": 8443, "webhook": 8443, "metrics": 8080, "api-metrics": 8081}
"""Every port of our containers, by its name."""


def pod(namespace: str, name: str, labels: Mapping[str, str], **fields: Any) -> End:
    spaces = {"kubernetes.io/metadata.name": namespace}
    return End(namespace=namespace, name=name, labels=labels, namespace_labels=spaces, **fields)


STRANGER = pod("shop", "web", {"app": "web"}, address="10.1.0.7")
PROMETHEUS = pod("monitoring", "prometheus", {"app": "prometheus"}, address="10.1.0.8")
KUBELET = pod("kube-system", "node", {}, address="10.2.0.1", node="node1", is_on_host_network=True)
FROM_MONITORING = 'networkPolicy.metricsFrom=[{"namespaceSelector":{"matchLabels":{"kubernetes.io/metadata.name":"monitoring"}}}]'


def policies(objects: Iterable[Mapping[str, Any]]) -> list[PolicyRule]:
    return [rule for one in objects for rule in policy_rules(resource_of(dict(one)))]


def programs(objects: list[dict[str, Any]]) -> dict[str, End]:
    """A pod of each of our templates, by the name of its component."""
    found = {}
    for one in (*of_kind("Deployment", objects), *of_kind("Job", objects)):
        template = one["spec"]["template"]
        labels, spec = template["metadata"]["labels"], template["spec"]
        component = labels["app.kubernetes.io/component"]
        ports = container_ports(spec["containers"])
        found[component] = pod(SPACE, component, labels, address=OURS, node="node1", ports=ports)
    return found


def passing(rules: list[PolicyRule], source: End, destination: End) -> set[str]:
    """``443/TCP`` for each of what was asked and passes."""
    return {
        f"{port.number}/{port.protocol}"
        for port in ASKED
        if connection(rules, source, destination, port).verdict == "allowed"
    }


ALERTS = (
    "capabilities.alerts=true",
    'alerts.receivers=[{"alertmanager":{"url":"http://alertmanager.monitoring:9093/"}},'
    '{"webhook":{"url":"http://[fd00::1]/hook"}},{"slack":{"urlFile":"/secrets/slack"}},'
    '{"syslog":{"address":"udp://logs.example:514"}},{"syslog":{"address":"tcp://logs.example:601"}}]',
)
DATABASE = 'vulnerabilityDatabase={"address":"oci://registry.example:5000/db:1","allowUnsigned":true}'
POSTGRESQL = 'postgresql.secretName="database"'
POSTURE_ALONE = "capabilities.vulnerabilityScan=false"
WAYS_OUT = {
    "defaults": ((), NAMES | {"443/TCP"}),
    "no images": ((POSTURE_ALONE,), set()),
    "other registries": (("networkPolicy.registryPorts=[5000]",), NAMES | {"5000/TCP"}),
    "database": ((DATABASE,), NAMES | {"443/TCP", "5000/TCP"}),
    "database that nothing is matched with": ((DATABASE, POSTURE_ALONE), set()),
    "database without a port": (
        ('vulnerabilityDatabase={"address":"oci://registry.example/db:1","allowUnsigned":true}',),
        NAMES | {"443/TCP"},
    ),
    "alerts": (
        (POSTURE_ALONE, *ALERTS),
        NAMES | {"443/TCP", "9093/TCP", "80/TCP", "514/UDP", "601/TCP"},
    ),
    "alerts to addresses that are secret": (
        (
            POSTURE_ALONE,
            "capabilities.alerts=true",
            "alerts.ports=[5000]",
            'alerts.receivers=[{"webhook":{"urlFile":"/secrets/url"}}]',
        ),
        NAMES | {"5000/TCP"},
    ),
    "receivers of alerts that are not sent": ((POSTURE_ALONE, ALERTS[1]), set()),
    "postgresql": ((POSTURE_ALONE, POSTGRESQL), NAMES | {"5432/TCP"}),
    "postgresql elsewhere": ((POSTURE_ALONE, POSTGRESQL, "postgresql.ports=[5433]"), NAMES | {"5433/TCP"}),
    "admission": (("capabilities.admission=true",), NAMES | {"443/TCP"}),
}


@pytest.mark.parametrize("case", WAYS_OUT)
def test_out_goes_what_the_programs_ask_and_nothing_else(case: str):
    values, wanted = WAYS_OUT[case]
    objects = render(*values, f'networkPolicy.kubeApiCidrs=["{API}/32"]')
    rules = policies(objects)
    ours = programs(objects)
    for component, source in ours.items():
        there = wanted if component == "programs" else set()
        assert passing(rules, source, End(address=API)) == KUBE_API | there, component
        assert passing(rules, source, End(address=OUTSIDE)) == there, component
        assert passing(rules, source, STRANGER) == there, component
        assert passing(rules, source, KUBELET) == there, component
        assert passing(rules, source, End(address=METADATA)) == there, component
    assert set(ours) >= {"programs", "unregister"}


@pytest.mark.parametrize(
    ("values", "ports"),
    [((), KUBE_API), (("networkPolicy.kubeApiPorts=[8443]",), {"8443/TCP"})],
)
def test_kube_apiserver_is_asked_wherever_it_is_unless_the_values_say_where(values, ports):
    objects = render(*values, POSTURE_ALONE, "capabilities.admission=true")
    for source in programs(objects).values():
        assert passing(policies(objects), source, End(address=API)) == ports
        assert passing(policies(objects), source, End(address="10.9.9.9")) == ports


WAYS_IN = {
    "defaults": ((), {"api", "metrics", "api-metrics"}, {"api", "metrics", "api-metrics"}, {"api"}),
    "one namespace": ((FROM_MONITORING,), {"api"}, {"api", "metrics", "api-metrics"}, {"api"}),
    "nobody": (("networkPolicy.metricsFrom=[]",), {"api"}, {"api"}, {"api"}),
    "addresses": (
        (f'networkPolicy.metricsFrom=[{{"ipBlock":{{"cidr":"{OUTSIDE}/32"}}}}]',),
        {"api"},
        {"api"},
        {"api", "metrics", "api-metrics"},
    ),
    "no exporter": (("capabilities.prometheusExporter=false",), {"api"}, {"api"}, {"api"}),
    "alerts alone": (("capabilities.prometheusExporter=false", *ALERTS), {"api"}, {"api"}, {"api"}),
}


@pytest.mark.parametrize("case", WAYS_IN)
def test_in_comes_what_asks_the_programs_and_nothing_else(case: str):
    """By a stranger's pod, by one of the monitoring, and by an address outside of the cluster."""
    values, *entries = WAYS_IN[case]
    objects = render(*values, "capabilities.admission=true")
    rules = policies(objects)
    for component, destination in programs(objects).items():
        for source, names in zip((STRANGER, PROMETHEUS, End(address=OUTSIDE)), entries, strict=True):
            mine = {name for name, _ in destination.ports}
            wanted = {"webhook" if name == "api" and component == "admission" else name for name in names}
            expected = {f"{ENTRIES[name]}/TCP" for name in wanted & mine}
            assert passing(rules, source, destination) == expected, (component, source)


@pytest.mark.parametrize("values", [(), ("capabilities.admission=true", *ALERTS, POSTGRESQL, DATABASE)])
def test_every_port_of_a_container_and_of_a_service_is_let_in_from_somewhere(values):
    objects = render(*values)
    rules = policies(objects)
    for destination in programs(objects).values():
        assert {name for name, _ in destination.ports} <= ENTRIES.keys()
        for (name, protocol), numbers in destination.ports.items():
            assert numbers == {ENTRIES[name]}
            found = connection(rules, PROMETHEUS, destination, Port(ENTRIES[name], protocol))
            assert found.verdict == "allowed", name
    for service in of_kind("Service", objects):
        selected = [
            one
            for one in programs(objects).values()
            if service["spec"]["selector"].items() <= one.labels.items()
        ]
        assert selected
        for port in service["spec"]["ports"]:
            assert all((port["targetPort"], "TCP") in one.ports for one in selected)


@pytest.mark.parametrize("values", [(), (FROM_MONITORING,), ("networkPolicy.metricsFrom=[]",)])
def test_the_kubelet_of_their_node_probes_every_port(values):
    objects = render(*values, "capabilities.admission=true")
    for destination in programs(objects).values():
        for numbers in destination.ports.values():
            for number in numbers:
                assert connection(policies(objects), KUBELET, destination, Port(number)).verdict == "allowed"


def test_without_policies_everything_passes():
    objects = render("networkPolicy.enabled=false", "capabilities.admission=true")
    assert policies(objects) == []
