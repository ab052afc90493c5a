"""Every PodSecurityPolicy lets in containers that run as root.

Root inside a container is root to the kernel, and the first step of most ways out.

Fix: set ``runAsUser.rule`` to ``MustRunAsNonRoot``; since Kubernetes 1.25 use Pod Security admission.

Example::

    apiVersion: policy/v1beta1
    kind: PodSecurityPolicy
    metadata: {name: all}
    spec: {runAsUser: {rule: RunAsAny}}

Cannot see: who may use which policy; whether the cluster still has the API, which went in 1.25.

See: https://kubernetes.io/docs/concepts/security/pod-security-policy/
"""

from leadline.posture.checks.every_object import all_meet
from leadline.posture.control import Inventory, Resource, Set, Violations, control, mapping, mappings


def allows(policy: Resource) -> bool:
    rule = mapping(mapping(policy.body.get("spec")).get("runAsUser"))
    if rule.get("rule") == "MustRunAsNonRoot":
        return False
    lows = [span.get("min") for _, span in mappings(rule.get("ranges"))]
    return (
        rule.get("rule") != "MustRunAs"
        or not lows
        or any(not isinstance(low, int) or low < 1 for low in lows)
    )


@control(
    "C-0218",
    "Minimize the admission of root containers",
    problem="PodSecurityPolicy allows root",
    consequence="node escape",
    score=2.0,
    reference_score=6.0,
    category="Workload",
    kinds=("PodSecurityPolicy.policy",),
)
def policy_allows_root(policy: Resource, inventory: Inventory) -> Violations:
    if allows(policy) and all_meet(inventory, "PodSecurityPolicy.policy", allows):
        yield Set("spec.runAsUser.rule", "MustRunAsNonRoot")
