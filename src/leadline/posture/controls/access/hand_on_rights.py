"""The role lets its holder write roles or bindings, and so hand on every right that it has itself.

The API server refuses rights that the holder does not have, unless ``bind`` or ``escalate`` is given too. What is left
is enough to stay: an attacker who had the account for a minute gives its rights to an account of his own.

Fix: take the verbs out; let a deployment pipeline change roles.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [rbac.authorization.k8s.io], resources: [rolebindings], verbs: [create]}

Cannot see: which rights the holder has otherwise.

See: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
"""

from leadline.posture.checks.rbac_queries import HAND_ON_RIGHTS
from leadline.posture.control import Rights, Violations, control


@control(
    "L-0041",
    "Minimize access to change roles and bindings",
    problem="May change roles or bindings",
    consequence="cluster takeover",
    score=5.0,
    category="Access control",
)
def hand_on_rights(rights: Rights) -> Violations:
    yield from rights.may_any(HAND_ON_RIGHTS)
