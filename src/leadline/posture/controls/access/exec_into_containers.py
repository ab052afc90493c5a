"""This subject can run commands in containers that are already running.

A shell in a container has the container's data, mounted secrets and network, and leaves fewer traces
than a new pod. Attaching to a process and adding a debugging container come to the same. Older API
servers open a session on ``get`` as they do on ``create``, over a websocket.

Fix: keep ``pods/exec``, ``pods/attach`` and ``pods/ephemeralcontainers`` out of standing roles; grant them
for an incident and take them back.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [""]
      resources: [pods/exec]
      verbs: [create]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: sessions through the kubelet or the container runtime on the node; who else may act as this
subject; roles that are not part of the target.

See: https://kubernetes.io/docs/tasks/debug/debug-application/get-shell-running-container/
"""

from leadline.posture.checks.rbac_queries import RUN_COMMANDS
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0002",
    "Prevent containers from allowing command execution",
    problem="May run commands in containers",
    consequence="cluster takeover",
    score=7.0,
    reference_score=5.0,
    category="Access control",
)
def exec_into_containers(rights: Rights) -> Violations:
    yield from rights.may_any(RUN_COMMANDS)
