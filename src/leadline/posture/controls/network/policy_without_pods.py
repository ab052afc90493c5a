"""The network policy selects no pod of its namespace.

It was written to protect something and protects nothing; a label that was renamed is enough.

Fix: compare its selector with the labels of the pods it is meant for.

Example::

    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: web, namespace: shop}
    spec:
      template:
        metadata: {labels: {app: web}}
        spec:
          containers:
          - {name: web, image: "nginx:1.27"}
    ---
    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: p, namespace: shop}
    spec: {podSelector: {matchLabels: {app: gone}}}

Cannot see: pods that are made by hand or by an operator. Files are judged only where workloads of the namespace
are beside the policy, and no custom resource is called as its selector says.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.kube.selector import compile_selector
from leadline.posture.checks.target_completeness import expect_pods
from leadline.posture.control import WORKLOADS, Inventory, Resource, Review, Violations, control, mapping


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
)
def policy_without_pods(policy: Resource, inventory: Inventory) -> Violations:
    selector = mapping(mapping(policy.body.get("spec")).get("podSelector"))
    if not inventory.selects_any_pod(
        policy.namespace, selector.get("matchLabels"), compile_selector(selector)
    ):
        expect_pods(policy, mapping(selector.get("matchLabels")), inventory)
        yield Review("spec.podSelector")
