"""This subject can delete running workloads, services, secrets or whole namespaces.

One request with ``deletecollection`` empties a namespace. Anyone who gets hold of such an account can stop
the service, or remove a pod to cover what was done in it.

Fix: let a deployment pipeline delete, and take ``delete`` and ``deletecollection`` out of the roles of
people and programs that only read or create.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [apps]
      resources: [deployments]
      verbs: [delete]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: backups and who watches for deletions; who else may act as this subject; roles that are not
part of the target.

See: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#determine-the-request-verb
"""

from leadline.kube.role_rules import ask
from leadline.posture.control import Rights, Violations, control

DELETE = (
    ask("delete deletecollection", "secrets pods services namespaces"),
    ask("delete deletecollection", "deployments replicasets daemonsets statefulsets", "apps"),
    ask("delete deletecollection", "jobs cronjobs", "batch"),
)


@control(
    "C-0007",
    "Roles with delete capabilities",
    problem="May delete objects",
    consequence="availability",
    score=4.0,
    reference_score=5.0,
    category="Access control",
)
def delete_rights(rights: Rights) -> Violations:
    yield from rights.may_any(DELETE)
