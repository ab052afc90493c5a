"""This subject can change what is checked when objects enter the cluster.

A webhook sees every object that it asks for, secrets included, and may alter them. Deleting one, or the
binding of an admission policy, switches a rule off without a trace in the objects it held back.

Fix: leave these objects to the installer of the admission controller, or name its own with
``resourceNames``.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [admissionregistration.k8s.io]
      resources: [mutatingwebhookconfigurations]
      verbs: [patch]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: changes to the program behind a webhook; who else may act as this subject; roles that are
not part of the target.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#control-admission-webhooks
"""

from leadline.posture.checks.rbac_queries import CHANGE_ADMISSION
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0281",
    "Minimize access to webhook configuration objects",
    problem="May change admission webhooks",
    consequence="cluster takeover",
    score=9.0,
    reference_score=5.0,
    category="Access control",
)
def change_webhooks(rights: Rights) -> Violations:
    yield from rights.may_any(CHANGE_ADMISSION)
