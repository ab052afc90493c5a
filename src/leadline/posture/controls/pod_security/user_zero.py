"""The pod or a container says that it runs as user 0, which is root.

The rule asks about the number alone; whether the image runs as root by itself is C-0013's question. In a pod with a
user namespace of its own, ``hostUsers: false``, the rule does not ask (since 1.35).

Fix: name a user above 0.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext: {runAsUser: 0}

Cannot see: which user the image names.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import contexts_of, has_user_namespace
from leadline.posture.control import Inventory, Set, Violations, Workload, control

USER = 1000


@control(
    "L-0021",
    "No container names user 0",
    problem="User 0 is named",
    consequence="node escape",
    score=6.0,
    category="Workload / Node escape",
)
def user_zero(workload: Workload, inventory: Inventory) -> Violations:
    if not has_user_namespace(workload, inventory):
        for path, context in contexts_of(workload):
            user = context.get("runAsUser")
            if user == 0 and not isinstance(user, bool):
                yield Set(f"{path}.runAsUser", USER)
