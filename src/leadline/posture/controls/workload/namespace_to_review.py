"""A namespace is only a boundary if what is inside belongs together.

Rights, quotas, network policies and Pod Security levels are given per namespace; two teams in one share
each other's mistakes.

Fix: go through the list: one application or team each, nothing left over from a trial.

Example::

    apiVersion: v1
    kind: Namespace
    metadata: {name: misc}

Cannot see: who uses it and for what. Files are judged only when the control is asked for by name.

See: https://kubernetes.io/docs/concepts/overview/working-with-objects/namespaces/
"""

from leadline.posture.checks.target_completeness import expect_cluster
from leadline.posture.control import Inventory, Resource, Review, Violations, control

OF_KUBERNETES = frozenset({"kube-system", "kube-public", "kube-node-lease"})


def is_not_kubernetes_own(namespace: Resource) -> bool:
    return namespace.name not in OF_KUBERNETES


@control(
    "C-0209",
    "Create administrative boundaries between resources using namespaces",
    problem="Namespaces to review",
    consequence="other",
    score=1.0,
    reference_score=5.0,
    category="Workload",
    kinds=("Namespace",),
    applies=is_not_kubernetes_own,
)
def namespace_to_review(namespace: Resource, inventory: Inventory) -> Violations:
    expect_cluster(inventory)
    yield Review("", advice="check that you know it")
