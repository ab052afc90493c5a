"""Every PodSecurityPolicy lets in privileged containers.

A container that is root on its node could be created by everyone who may use the policy. With one policy
that refuses it, pods can at least be sorted by who may use which.

Fix: take ``privileged`` out of the policies; since Kubernetes 1.25 move to Pod Security admission, as
policies of this kind no longer exist.

Example::

    apiVersion: policy/v1beta1
    kind: PodSecurityPolicy
    metadata: {name: all}
    spec: {privileged: true}

Cannot see: who may use which policy; whether the cluster still has the API, which went in 1.25.

See: https://kubernetes.io/docs/concepts/security/pod-security-policy/
"""

from leadline.posture.checks.every_object import all_meet
from leadline.posture.control import Inventory, Remove, Resource, Violations, control, mapping


def allows(policy: Resource) -> bool:
    return mapping(policy.body.get("spec")).get("privileged") is True


@control(
    "C-0213",
    "Minimize the admission of privileged containers",
    problem="PodSecurityPolicy allows privileged",
    consequence="node escape",
    score=2.0,
    reference_score=8.0,
    category="Workload",
    kinds=("PodSecurityPolicy.policy",),
)
def policy_allows_privileged(policy: Resource, inventory: Inventory) -> Violations:
    if allows(policy) and all_meet(inventory, "PodSecurityPolicy.policy", allows):
        yield Remove("spec.privileged")
