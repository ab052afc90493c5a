"""This subject can open a tunnel to any port of a pod, past every network policy.

A forwarded port reaches what only listens on ``localhost`` inside the pod, such as a database or an admin
page that trusts its neighbours. The API server carries the traffic, so no policy or firewall of the
cluster sees it. A tunnel over a websocket needs only ``get`` on older servers.

Fix: take ``pods/portforward`` out of standing roles, and publish what people need through a Service with
a login.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [""]
      resources: [pods/portforward]
      verbs: [create]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: who else may act as this subject; roles that are not part of the target.

See: https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/
"""

from leadline.posture.checks.rbac_queries import FORWARD_PORTS
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0063",
    "Portforwarding privileges",
    problem="May forward ports to pods",
    consequence="reachable from outside",
    score=5.0,
    category="Access control",
)
def port_forwarding(rights: Rights) -> Violations:
    yield from rights.may_any(FORWARD_PORTS)
