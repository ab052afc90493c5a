"""No PodSecurityPolicy makes containers drop their default capabilities.

Fourteen capabilities come with every container; few programs use one of them, and intruders use several.

Fix: require the drop of ``ALL``; since Kubernetes 1.25 use Pod Security admission.

Example::

    apiVersion: policy/v1beta1
    kind: PodSecurityPolicy
    metadata: {name: all}
    spec: {privileged: false}

Cannot see: who may use which policy; whether the cluster still has the API, which went in 1.25.

See: https://kubernetes.io/docs/concepts/security/pod-security-policy/
"""

from leadline.posture.checks.every_object import all_meet
from leadline.posture.control import Inventory, Resource, Set, Violations, control, mapping


def allows(policy: Resource) -> bool:
    return not mapping(policy.body.get("spec")).get("requiredDropCapabilities")


@control(
    "C-0220",
    "Minimize the admission of containers with capabilities assigned",
    problem="PodSecurityPolicy drops no capability",
    consequence="node escape",
    score=2.0,
    reference_score=5.0,
    category="Workload",
    kinds=("PodSecurityPolicy.policy",),
)
def policy_drops_no_capability(policy: Resource, inventory: Inventory) -> Violations:
    if allows(policy) and all_meet(inventory, "PodSecurityPolicy.policy", allows):
        yield Set("spec.requiredDropCapabilities[0]", "ALL")
