"""Anyone who may create pods may use every secret and service account of the namespace.

A pod names the account it runs as and the secrets and disks it mounts, and no check is made. Without an
admission policy it may also be privileged and take its node. A Deployment, Job or other owner of pods
makes them just as well, so the right to create those counts too.

Fix: leave creation to the deployment pipeline, and hold pods to the restricted Pod Security Standard.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [apps]
      resources: [deployments]
      verbs: [create]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: what admission policies forbid such pods; who else may act as this subject; roles that are
not part of the target.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#workload-creation
"""

from leadline.posture.checks.rbac_queries import CREATE_PODS
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0188",
    "Minimize access to create pods",
    problem="May create or change pods",
    consequence="cluster takeover",
    score=6.0,
    reference_score=5.0,
    category="Access control",
)
def create_pods(rights: Rights) -> Violations:
    yield from rights.may_any(CREATE_PODS)
