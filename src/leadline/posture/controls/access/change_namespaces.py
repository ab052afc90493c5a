"""The role lets its holder change the labels of namespaces, by which Pod Security is switched on and off.

Network policies and admission rules choose namespaces by label as well. With one label less, privileged pods start.

Fix: take ``update`` and ``patch`` out, or name the namespaces with ``resourceNames``.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [""], resources: [namespaces], verbs: [patch]}

Cannot see: which rules go by labels.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#namespace-modification
"""

from leadline.posture.checks.rbac_queries import CHANGE_NAMESPACES
from leadline.posture.control import Rights, Violations, control


@control(
    "L-0045",
    "Minimize access to change namespaces",
    problem="May change namespaces",
    consequence="cluster takeover",
    score=6.0,
    category="Access control",
)
def change_namespaces(rights: Rights) -> Violations:
    yield from rights.may_any(CHANGE_NAMESPACES)
