"""The key that encrypts Secrets in etcd lies beside them on the same disk.

A copy of the disk then holds both; a key service outside keeps them apart and logs each use.

Fix: use a ``kms`` provider backed by a key service of your cloud or data centre.

See: https://kubernetes.io/docs/tasks/administer-cluster/kms-provider/
"""

from leadline.posture.control import not_built

NO_EXTERNAL_KEY_STORE = not_built(
    "C-0208",
    "Consider external secret storage",
    problem="No external key store",
    consequence="secrets",
    score=3.0,
    reference_score=5.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
