"""Agents of this template may connect to anywhere.

An agent that was talked into it can carry off what it was given, or attack others from inside your network.

Fix: let the policy be managed and list the peers that agents need, one by one.

Example::

    apiVersion: extensions.agents.x-k8s.io/v1beta1
    kind: SandboxTemplate
    metadata: {name: agent}
    spec:
      networkPolicy:
        egress:
        - {}

Cannot see: proxies and firewalls outside the cluster.

See: https://agent-sandbox.sigs.k8s.io/
"""

from leadline.posture.control import Resource, Review, Violations, control, mapping

UNIVERSAL = ("0.0.0.0/0", "::/0")


@control(
    "C-0301",
    "Agent Sandbox egress policy enforcement",
    problem="Sandbox with open egress",
    consequence="reachable from outside",
    score=6.0,
    reference_score=7.0,
    category="Workload",
    kinds=("SandboxTemplate.extensions.agents.x-k8s.io",),
)
def sandbox_with_open_egress(template: Resource) -> Violations:
    spec = mapping(template.body.get("spec"))
    management = spec.get("networkPolicyManagement")
    if management not in (None, "Managed"):
        yield Review("spec.networkPolicyManagement")
        return
    policy = spec.get("networkPolicy")
    if not isinstance(policy, dict):
        yield Review("spec.networkPolicy")
        return
    egress = policy.get("egress")
    if egress is not None and not (isinstance(egress, list) and all(map(is_scoped, egress))):
        yield Review("spec.networkPolicy.egress")


def is_scoped(rule: object) -> bool:
    """Whether every peer of the rule names someone in particular."""
    peers = rule.get("to") if isinstance(rule, dict) else None
    return isinstance(peers, list) and bool(peers) and all(map(is_particular, peers))


def is_particular(peer: object) -> bool:
    peer = mapping(peer)
    block = mapping(peer.get("ipBlock")).get("cidr")
    if block:
        return block not in UNIVERSAL
    return any(bool(mapping(peer.get(field))) for field in ("podSelector", "namespaceSelector"))
