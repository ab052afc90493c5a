"""This subject can delete events, the record of what happened in the cluster.

Events show failed logins to images, killed containers and refused pods. Without them a break-in is
found later, or not at all.

Fix: take ``delete`` and ``deletecollection`` on events out of the role, in the core group and in
``events.k8s.io``; events expire by themselves.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [""]
      resources: [events]
      verbs: [delete]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: whether events are kept somewhere else as well; who else may act as this subject; roles that
are not part of the target.

See: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/
"""

from leadline.kube.role_rules import ask
from leadline.posture.control import Rights, Violations, control

DELETE_EVENTS = (
    ask("delete deletecollection", "events"),
    ask("delete deletecollection", "events", "events.k8s.io"),
)


@control(
    "C-0031",
    "Delete Kubernetes events",
    problem="May delete events",
    consequence="other",
    score=4.0,
    category="Access control",
)
def delete_events(rights: Rights) -> Violations:
    yield from rights.may_any(DELETE_EVENTS)
