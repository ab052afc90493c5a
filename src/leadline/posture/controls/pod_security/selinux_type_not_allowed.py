"""The pod asks for an SELinux type that is not one for containers, or for a user or role.

A type such as ``spc_t`` or ``unconfined_t`` lets the process reach the files of the node as if it ran there.

Fix: use ``container_t``, ``container_init_t``, ``container_kvm_t`` or ``container_engine_t``, and leave user
and role out.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: web, namespace: shop}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        securityContext: {seLinuxOptions: {type: spc_t}}

Cannot see: what the named types allow on the nodes.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.checks.pod_security_standards import contexts_of, is_at_least
from leadline.posture.control import Inventory, Remove, Violations, Workload, control, mapping, text

TYPES = frozenset(["", "container_t", "container_init_t", "container_kvm_t"])


@control(
    "L-0014",
    "SELinux types within the baseline standard",
    problem="SELinux type, user or role not allowed",
    consequence="node escape",
    score=5.0,
    category="Workload / Node escape",
)
def selinux_type_not_allowed(workload: Workload, inventory: Inventory) -> Violations:
    for path, context in contexts_of(workload):
        options = mapping(context.get("seLinuxOptions"))
        kind = text(options.get("type"))
        is_engine = kind == "container_engine_t" and is_at_least(inventory, 1, 31)
        if kind not in TYPES and not is_engine:
            yield Remove(f"{path}.seLinuxOptions.type")
        for field in ("user", "role"):
            if options.get(field):
                yield Remove(f"{path}.seLinuxOptions.{field}")
