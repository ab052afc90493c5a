"""Secrets in etcd are encrypted with a weak provider, or not at all.

``identity`` as the first provider stores them as they are, whatever else the file lists.

Fix: put ``kms``, ``secretbox`` or ``aescbc`` first for each kind in the encryption configuration.

See: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
"""

from leadline.posture.control import not_built

WEAK_ENCRYPTION_PROVIDER = not_built(
    "C-0142",
    "Ensure that encryption providers are appropriately configured",
    problem="Weak encryption provider",
    consequence="secrets",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
