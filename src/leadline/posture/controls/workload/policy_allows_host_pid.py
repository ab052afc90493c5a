"""Every PodSecurityPolicy lets in pods that see their node's processes.

The arguments and the memory of every process of the node are then within reach. With one policy that
refuses it, pods can at least be sorted by who may use which.

Fix: take ``hostPID`` out of the policies; since Kubernetes 1.25 move to Pod Security admission, as policies
of this kind no longer exist.

Example::

    apiVersion: policy/v1beta1
    kind: PodSecurityPolicy
    metadata: {name: all}
    spec: {hostPID: true}

Cannot see: who may use which policy; whether the cluster still has the API, which went in 1.25.

See: https://kubernetes.io/docs/concepts/security/pod-security-policy/
"""

from leadline.posture.checks.every_object import all_meet
from leadline.posture.control import Inventory, Remove, Resource, Violations, control, mapping


def allows(policy: Resource) -> bool:
    return mapping(policy.body.get("spec")).get("hostPID") is True


@control(
    "C-0214",
    "Minimize the admission of containers wishing to share the host process ID namespace",
    problem="PodSecurityPolicy allows hostPID",
    consequence="node escape",
    score=2.0,
    reference_score=5.0,
    category="Workload",
    kinds=("PodSecurityPolicy.policy",),
)
def policy_allows_host_pid(policy: Resource, inventory: Inventory) -> Violations:
    if allows(policy) and all_meet(inventory, "PodSecurityPolicy.policy", allows):
        yield Remove("spec.hostPID")
