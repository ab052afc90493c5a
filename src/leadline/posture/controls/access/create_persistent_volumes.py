"""This subject can create a volume out of any folder of a node.

A PersistentVolume of type ``hostPath`` is not held to the Pod Security Standards, which look at pods
only. A pod that claims it reads and writes the node's files under the label of an ordinary disk.

Fix: leave volumes to a storage class and its provisioner, and take ``create`` on ``persistentvolumes`` out
of the role.

Example::

    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: too-much}
    rules:
    - apiGroups: [""]
      resources: [persistentvolumes]
      verbs: [create]
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRoleBinding
    metadata: {name: jane-too-much}
    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: too-much}
    subjects:
    - {apiGroup: rbac.authorization.k8s.io, kind: User, name: jane}

Cannot see: admission policies that refuse such volumes; who else may act as this subject; roles that
are not part of the target.

See: https://kubernetes.io/docs/concepts/security/rbac-good-practices/#persistent-volume-creation
"""

from leadline.posture.checks.rbac_queries import CREATE_VOLUMES
from leadline.posture.control import Rights, Violations, control


@control(
    "C-0278",
    "Minimize access to create persistent volumes",
    problem="May create persistent volumes",
    consequence="node escape",
    score=8.0,
    reference_score=5.0,
    category="Access control",
)
def create_persistent_volumes(rights: Rights) -> Violations:
    yield from rights.may_any(CREATE_VOLUMES)
