"""This subject can talk to the kubelet of every node through the API server.

The kubelet's own interface runs commands in any pod of the node. Requests that come by this way pass
neither admission nor the audit log. Reading alone is enough: a websocket opens with a ``get``.

Fix: grant ``nodes/metrics``, ``nodes/stats``, ``nodes/log`` or ``nodes/pods``, whichever is read, in place of
``nodes/proxy``.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [""]
      resources: [nodes/proxy]
      verbs: [get]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: firewalls between API server and kubelets; who else may act as this subject; roles that are
not part of the target.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#access-to-proxy-subresource-of-nodes
"""

from leadline.posture.checks.rbac_queries import REACH_KUBELETS
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0279",
    "Minimize access to the proxy sub-resource of nodes",
    problem="May reach kubelets (nodes/proxy)",
    consequence="cluster takeover",
    score=9.0,
    reference_score=5.0,
    category="Access control",
)
def node_proxy(rights: Rights) -> Violations:
    yield from rights.may_any(REACH_KUBELETS)
