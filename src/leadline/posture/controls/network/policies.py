"""Whether network policies hold pods apart."""

from typing import Unpack

from leadline.kube.network_policy import POLICY_KINDS, PolicyRule, policy_rules
from leadline.kube.selector import compile_selector
from leadline.model.control import BuiltControl
from leadline.posture import control_examples as examples
from leadline.posture.checks.egress import dangerous_egress
from leadline.posture.checks.namespaces import holds_applications
from leadline.posture.checks.target_completeness import expect_pods
from leadline.posture.control import (
    WORKLOADS,
    Inventory,
    Missing,
    Namespace,
    Resource,
    Review,
    Said,
    Violations,
    Workload,
    control,
    mapping,
    row,
)

UNIVERSAL = ("0.0.0.0/0", "::/0")
_PAGE = "https://kubernetes.io/docs/concepts/services-networking/network-policies/"


@control(
    "C-0260",
    "Missing network policy",
    problem="No network policy for the pods",
    consequence="reachable from outside",
    score=5.0,
    category="Network",
    reads=(*POLICY_KINDS, "Namespace"),
    see=_PAGE,
)
def missing_network_policy(workload: Workload, inventory: Inventory) -> Violations:
    """Pods that no network policy selects accept connections from every other pod.

    One broken-into container can then reach them all, whatever its own rights are.

    Fix: write a NetworkPolicy that selects these pods and names who may connect.

    Example::

        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}

    Cannot see: whether the cluster's network plugin enforces policies; rules of a cloud's firewall.
    """
    policies = inventory.policies_of(workload)
    for rule in policies:
        inventory.rest_on(rule.policy)
    if not policies:
        yield Missing("a NetworkPolicy that selects these pods")


@control(
    "C-0030",
    "Ingress and Egress blocked",
    problem="Ingress or egress not restricted",
    consequence="reachable from outside",
    score=5.0,
    reference_score=6.0,
    category="Network",
    reads=(*POLICY_KINDS, "Namespace"),
    see=_PAGE,
)
def open_ingress_or_egress(workload: Workload, inventory: Inventory) -> Violations:
    """No network policy limits both what reaches these pods and what they may reach.

    An open ingress lets any pod knock; an open egress lets a broken-into program fetch its tools, call home and
    carry data away. Each direction has to be closed for itself.

    Fix: select the pods with policies of both types, and list in each who and what is allowed.

    Example::

        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, labels: {app: web}}
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}
        ---
        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: web, namespace: shop}
        spec:
          podSelector: {matchLabels: {app: web}}
          policyTypes: [Ingress]

    Cannot see: whether the cluster's network plugin enforces policies.
    """
    policies = inventory.policies_of(workload)
    open_ways = []
    for rule in policies:
        inventory.rest_on(rule.policy)
    if not any(policy.restricts_ingress for policy in policies):
        open_ways.append("ingress")
    if not any(policy.restricts_egress for policy in policies):
        open_ways.append("egress")
    if open_ways:
        yield Missing(f"a NetworkPolicy that selects these pods and limits their {' and '.join(open_ways)}")


def _namespace_control(id: str, title: str, first: str, why: str, **said: Unpack[Said]) -> BuiltControl:
    """Finds namespaces of applications in which no policy isolates any pod."""

    def check(namespace: Namespace, inventory: Inventory) -> Violations:
        if not has_network_policy(namespace, inventory):
            yield Missing("a NetworkPolicy in this namespace")

    fix = "begin with a policy that selects all pods of the namespace and denies ingress, then allow what is\nneeded."
    hidden = "whether the cluster's network plugin enforces policies; firewalls of the cloud."
    made = control(
        id,
        title,
        category="Network",
        applies=holds_applications,
        reads=(*POLICY_KINDS, WORKLOADS),
        **said,
    )(check)
    return row(made, f"{first}\n\n{why}\n\nFix: {fix}", examples.NAMESPACE, _PAGE, hidden)


namespace_without_network_policy = _namespace_control(
    "C-0206",
    "Ensure that all Namespaces have Network Policies defined",
    "The namespace has no network policy at all.",
    "Kubernetes lets everything through until a first policy selects a pod; a namespace without one has never\nbegun.",
    problem="No network policy in the namespace",
    consequence="reachable from outside",
    score=4.0,
)
namespace_without_policy = _namespace_control(
    "C-0049",
    "Network mapping",
    "An intruder in this namespace can map the network around it.",
    "Without any policy every pod may knock at every port of every other; a scan from one broken-into pod shows\nall that there is to attack.",
    problem="Namespace without network policy",
    consequence="reachable from outside",
    score=4.0,
    reference_score=3.0,
)
open_cluster_network = _namespace_control(
    "C-0054",
    "Cluster internal networking",
    "Pods of this namespace talk to whom they like inside the cluster.",
    "One pod that was broken into reaches the databases and the caches of all others, whatever belongs to whom.",
    problem="Pods of a namespace open to each other",
    consequence="reachable from outside",
    score=4.0,
)


@control(
    "L-0030",
    "Network policies restrict something",
    problem="Network policy allows everything",
    consequence="reachable from outside",
    score=4.0,
    category="Network",
    kinds=POLICY_KINDS,
    reads=POLICY_KINDS,
    see=_PAGE,
)
def policy_allows_everything(policy: Resource, inventory: Inventory) -> Violations:
    """The policy isolates pods in name alone: what it is for, ingress, egress or both, its rules leave open.

    It reads as protection and gives none; other policies cannot take back what one allows. A policy that restricts one way and
    leaves the other open is none of these: C-0030 reports its pods. Neither is one that opens some pods which another closes
    with all the rest.

    Fix: name the peers and ports in the rule, or delete the policy. Policies of Cilium and Calico are asked as well.

    Example::

        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: web, namespace: shop}
        spec:
          podSelector: {}
          policyTypes: [Egress]
          egress:
          - {}

    Cannot see: whether the network plugin enforces policies.
    """
    for rule in policy_rules(policy):
        if rule.restricts_ingress or rule.restricts_egress or is_exception(rule, inventory):
            continue
        if rule.isolates_ingress:
            yield Review(f"{rule.path}.ingress")
        if rule.isolates_egress:
            yield Review(f"{rule.path}.egress")


def is_exception(rule: PolicyRule, inventory: Inventory) -> bool:
    """Whether another policy closes every pod of the namespace, so that this one opens some on purpose."""
    return not rule.selects_all and any(
        (other.restricts_ingress and rule.isolates_ingress)
        or (other.restricts_egress and rule.isolates_egress)
        for other in inventory.policies_in(rule.namespace)
        if other.selects_all
    )


def selects_some(policy: Resource) -> bool:
    return bool(mapping(mapping(policy.body.get("spec")).get("podSelector")))


@control(
    "C-0299",
    "Dangling NetworkPolicy",
    problem="Network policy selects no pods",
    consequence="reachable from outside",
    score=4.0,
    category="Network",
    kinds=("NetworkPolicy.networking.k8s.io",),
    applies=selects_some,
    reads=(WORKLOADS,),
    example=examples.web(
        """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: p, namespace: shop}
spec: {podSelector: {matchLabels: {app: gone}}}""",
        labels="app: web",
    ),
    see=_PAGE,
)
def policy_without_pods(policy: Resource, inventory: Inventory) -> Violations:
    """The network policy selects no pod of its namespace.

    It was written to protect something and protects nothing; a label that was renamed is enough.

    Fix: compare its selector with the labels of the pods it is meant for.

    Cannot see: pods that are made by hand or by an operator. Files are judged only where workloads of the namespace
    are beside the policy, and no custom resource is called as its selector says.
    """
    selector = mapping(mapping(policy.body.get("spec")).get("podSelector"))
    if not inventory.selects_any_pod(
        policy.namespace, selector.get("matchLabels"), compile_selector(selector)
    ):
        expect_pods(policy, mapping(selector.get("matchLabels")), inventory)
        yield Review("spec.podSelector")


@control(
    "L-0029",
    "Egress to the metadata address and to kubelets is closed",
    problem="Egress to metadata address or kubelet",
    consequence="secrets",
    score=4.0,
    category="Network",
    kinds=POLICY_KINDS,
    see=_PAGE,
)
def egress_to_metadata(policy: Resource) -> Violations:
    """The policy lets pods reach what hands out the rights of their node: the metadata address of clouds, or the kubelet.

    A program that can be made to send a request, or a container that was broken into, asks 169.254.169.254 and then holds the
    rights of the node in the cloud. At port 10250 the kubelet runs commands in every pod of its node. Policies of Cilium and
    Calico are asked as well.

    Fix: add the address to ``except`` of the block, ``169.254.169.254/32``, or name the ports that are needed.

    Example::

        apiVersion: networking.k8s.io/v1
        kind: NetworkPolicy
        metadata: {name: web, namespace: shop}
        spec:
          podSelector: {}
          policyTypes: [Egress, Ingress]
          egress:
          - to: [{ipBlock: {cidr: 0.0.0.0/0}}]

    Cannot see: whether the cloud asks for a token that pods cannot have; what other policies allow.
    """
    for path in dangerous_egress(policy):
        yield Review(path)


@control(
    "C-0301",
    "Agent Sandbox egress policy enforcement",
    problem="Sandbox with open egress",
    consequence="reachable from outside",
    score=6.0,
    reference_score=7.0,
    category="Workload",
    kinds=("SandboxTemplate.extensions.agents.x-k8s.io",),
    see="https://agent-sandbox.sigs.k8s.io/",
)
def sandbox_with_open_egress(template: Resource) -> Violations:
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
    """
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


def has_network_policy(namespace: Namespace, inventory: Inventory) -> bool:
    """Whether a policy isolates pods of the namespace: one for all of them, or one that selects some that are here."""
    labels = inventory.namespace_labels(namespace.name)
    for rule in inventory.policies_in(namespace.name):
        if not (rule.isolates_ingress or rule.isolates_egress):
            continue
        if rule.selects_namespace is not None and not rule.selects_namespace(labels):
            continue
        if rule.selects_all or inventory.selects_any_pod(namespace.name, rule.pairs, rule.selects):
            inventory.rest_on(rule.policy)
            return True
    return False
