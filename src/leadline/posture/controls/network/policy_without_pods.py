"""The network policy selects no pod of its namespace.

It was written to protect something and protects nothing; a label that was renamed is enough.

Fix: compare its selector with the labels of the pods it is meant for.

Example::

    apiVersion: networking.k8s.io/v1
    kind: NetworkPolicy
    metadata: {name: p, namespace: shop}
    spec: {podSelector: {matchLabels: {app: gone}}}

Cannot see: workloads that are not part of the target.

See: https://kubernetes.io/docs/concepts/services-networking/network-policies/
"""

from leadline.posture.control import (
    WORKLOADS,
    Inventory,
    Resource,
    Review,
    Violations,
    compile_selector,
    control,
    mapping,
)


def selects_some(policy: Resource) -> bool:
    return bool(mapping(mapping(policy.body.get("spec")).get("podSelector")))


@control(
    "C-0299",
    "Dangling NetworkPolicy",
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
        yield Review("spec.podSelector")
