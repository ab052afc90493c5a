"""Every PodSecurityPolicy lets containers add capabilities.

Each capability beyond the default ones is a piece of root.

Fix: empty ``allowedCapabilities``; since Kubernetes 1.25 use Pod Security admission.

Example::

    apiVersion: policy/v1beta1
    kind: PodSecurityPolicy
    metadata: {name: all}
    spec: {allowedCapabilities: [NET_ADMIN]}

Cannot see: who may use which policy; whether the cluster still has the API, which went in 1.25.

See: https://kubernetes.io/docs/concepts/security/pod-security-policy/
"""

from leadline.posture.checks.every_object import all_meet
from leadline.posture.control import Inventory, Remove, Resource, Violations, control, mapping


def allows(policy: Resource) -> bool:
    return bool(mapping(policy.body.get("spec")).get("allowedCapabilities"))


@control(
    "C-0219",
    "Minimize the admission of containers with added capabilities",
    problem="PodSecurityPolicy allows capabilities",
    consequence="node escape",
    score=2.0,
    reference_score=5.0,
    category="Workload",
    kinds=("PodSecurityPolicy.policy",),
)
def policy_allows_capabilities(policy: Resource, inventory: Inventory) -> Violations:
    if allows(policy) and all_meet(inventory, "PodSecurityPolicy.policy", allows):
        yield Remove("spec.allowedCapabilities")
