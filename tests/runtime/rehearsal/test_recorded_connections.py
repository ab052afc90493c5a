"""What policies would cut, where it is known to which pods they apply, and where not."""

import pytest
import yaml

from leadline.kube.network_policy import policy_rules
from leadline.kube.reachability import End
from leadline.model.profile import Peer
from leadline.model.resource import resource_of
from leadline.runtime.rehearsal.network import Network, Services

OPEN, CLOSED = "egress: [{}]", "egress: []"
PEER = Peer("connects", "198.51.100.1", 443, "TCP")
UNKNOWN = End("shop", are_labels_known=False)


def network(*policies: tuple[str, str]) -> Network:
    bodies = [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": f"p{number}", "namespace": "shop"},
            "spec": {
                "podSelector": yaml.safe_load(selector),
                "policyTypes": ["Egress"],
                **yaml.safe_load(rules),
            },
        }
        for number, (selector, rules) in enumerate(policies)
    ]
    return Network([rule for body in bodies for rule in policy_rules(resource_of(body))], Services())


@pytest.mark.parametrize(
    ("policies", "verdict"),
    [
        ([("{}", OPEN)], "allowed"),
        ([("{}", CLOSED)], "blocked"),
        ([("{matchLabels: {app: web}}", CLOSED)], "unknown"),
        ([("{matchLabels: {app: web}}", OPEN)], "allowed"),
        ([("{matchLabels: {app: web}}", CLOSED), ("{matchLabels: {app: db}}", OPEN)], "unknown"),
        ([("{}", CLOSED), ("{matchLabels: {app: db}}", OPEN)], "unknown"),
        ([("{}", OPEN), ("{matchLabels: {app: db}}", CLOSED)], "allowed"),
        ([("{matchExpressions: [{key: app, operator: NotIn, values: [web]}]}", CLOSED)], "unknown"),
    ],
)
def test_a_pod_without_known_labels_is_judged_by_every_policy_that_may_select_it(policies, verdict):
    (found,) = network(*policies).outcomes(UNKNOWN, [PEER])
    assert found.verdict == verdict


def test_labels_that_are_known_decide():
    policies = network(("{matchLabels: {app: web}}", CLOSED), ("{matchLabels: {app: db}}", OPEN))
    for app, verdict in (("web", "blocked"), ("db", "allowed"), ("other", "allowed")):
        (found,) = policies.outcomes(End("shop", {"app": app}), [PEER])
        assert found.verdict == verdict
    assert not policies.may_select(End("shop", {"app": "other"}))
    assert not policies.may_select(End("lab", are_labels_known=False))
    assert policies.may_select(UNKNOWN)
