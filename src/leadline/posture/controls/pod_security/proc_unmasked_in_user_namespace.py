"""The container sees the kernel's files below ``/proc`` without the runtime's mask, in a user namespace of its own.

That is what containers in containers need, and the baseline standard lets it pass; the restricted one does not.

Fix: take ``procMount`` out.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      hostUsers: false
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
    "L-0023",
    "The runtime masks /proc in user namespaces too",
    problem="/proc not masked in a user namespace",
    consequence="node escape",
    score=3.0,
    category="Workload / Node escape",
)
def proc_unmasked_in_user_namespace(container: Container, inventory: Inventory) -> Violations:
    mount = container.security_context.get("procMount")
    if mount not in (None, "Default") and has_user_namespace(container.workload, inventory):
        yield Remove("securityContext.procMount")
