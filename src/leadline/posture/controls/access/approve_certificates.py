"""This subject can approve client certificates, and so make up new users.

A certificate is valid until it expires, cannot be withdrawn, and may name a node or a component of the
control plane.

Fix: leave approval to the controller that is meant for it, and take the subresource ``approval`` out of
the role.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [certificates.k8s.io]
      resources: [certificatesigningrequests/approval]
      verbs: [update]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: for which signers the subject may approve, the right that the verb ``approve`` on ``signers``
gives as well; who else may act as this subject; roles that are not part of the target.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#csrs-and-certificate-issuing
"""

from leadline.posture.checks.rbac_queries import APPROVE_CERTIFICATES
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0280",
    "Minimize access to the approval sub-resource of certificatesigningrequests objects",
    problem="May approve certificates",
    consequence="cluster takeover",
    score=9.0,
    reference_score=5.0,
    category="Access control",
)
def approve_certificates(rights: Rights) -> Violations:
    yield from rights.may_any(APPROVE_CERTIFICATES)
