"""Nothing checks the pods that are created in this namespace.

RBAC says who may create a pod, not what the pod may ask for. Without a policy in between, a user who may
create pods may create a privileged one. A Pod Security level counts, a validating webhook that is asked about
every pod, and an admission policy that a binding makes deny; webhooks that only mutate do not.

Fix: enforce a Pod Security level by label, or cover the namespace with an admission policy.

Example::

    apiVersion: v1
    kind: Namespace
    metadata: {name: shop}

Cannot see: what a webhook or policy really refuses; policies kept outside the cluster.

See: https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""

from leadline.posture.checks.admission_guards import GUARD_KINDS, policies_guard
from leadline.posture.checks.namespaces import holds_applications
from leadline.posture.checks.pod_security_labels import ENFORCE, enforces
from leadline.posture.control import YOUR_VALUE, Inventory, Namespace, Set, Violations, control


@control(
    "C-0192",
    "Ensure that the cluster has at least one active policy control mechanism in place",
    problem="No policy guards the namespace",
    consequence="node escape",
    score=5.0,
    reference_score=4.0,
    category="Network",
    applies=holds_applications,
    reads=GUARD_KINDS,
)
def no_policy_mechanism(namespace: Namespace, inventory: Inventory) -> Violations:
    if not enforces(namespace.labels, "baseline") and not policies_guard(namespace, inventory):
        yield Set(f"metadata.labels[{ENFORCE}]", YOUR_VALUE)
