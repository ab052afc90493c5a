"""The role lets its holder change nodes or their status.

Labels and taints decide where pods go, so that pods with valuable tokens can be drawn to a node that is controlled; the
address in a node's status is where the API server sends its own requests to the kubelet.

Fix: take the rule out; only kubelets, the controller manager and autoscalers change nodes.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [""], resources: [nodes/status], verbs: [patch]}

Cannot see: who runs on which node.

See: https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from leadline.posture.checks.rbac_queries import CHANGE_NODES
from leadline.posture.control import Rights, Violations, control


@control(
    "L-0043",
    "Minimize access to change nodes",
    problem="May change nodes",
    consequence="cluster takeover",
    score=6.0,
    category="Access control",
)
def change_nodes(rights: Rights) -> Violations:
    yield from rights.may_any(CHANGE_NODES)
