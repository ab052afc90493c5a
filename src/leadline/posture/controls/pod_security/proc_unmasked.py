"""The container sees the kernel's files below ``/proc`` without the runtime's mask.

The mask hides files through which a container can read the node's memory or change its kernel. In a pod with a
user namespace of its own, ``hostUsers: false``, root is another user to those files, and the rule does not ask
(since 1.35).

Fix: take ``procMount`` out.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext: {procMount: Unmasked}

Cannot see: what a mutating admission webhook changes before the rule is asked.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import has_user_namespace
from leadline.posture.control import Container, Inventory, Remove, Violations, control


@control(
    "L-0015",
    "The runtime masks /proc",
    problem="/proc is not masked",
    consequence="node escape",
    score=6.0,
    category="Workload / Node escape",
)
def proc_unmasked(container: Container, inventory: Inventory) -> Violations:
    mount = container.security_context.get("procMount")
    if mount not in (None, "Default") and not has_user_namespace(container.workload, inventory):
        yield Remove("securityContext.procMount")
