"""The role lets its holder write Secrets: programs then sign in with what was put there.

A password, a certificate or a registry login that is replaced leads programs to a server of the attacker. A Secret of
the type ``kubernetes.io/service-account-token`` that is created is filled with a token by the cluster.

Fix: take the verbs out, or name the Secrets with ``resourceNames``.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: r}
    rules:
    - {apiGroups: [""], resources: [secrets], verbs: [update]}

Cannot see: which Secrets the holder needs.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/
"""

from leadline.posture.checks.rbac_queries import CHANGE_SECRETS
from leadline.posture.control import Rights, Violations, control


@control(
    "L-0040",
    "Minimize access to change secrets",
    problem="May change Secrets",
    consequence="secrets",
    score=5.0,
    category="Access control",
)
def change_secrets(rights: Rights) -> Violations:
    yield from rights.may_any(CHANGE_SECRETS)
