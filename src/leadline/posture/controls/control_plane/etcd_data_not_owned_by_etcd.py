"""etcd's data folder belongs to another user than the one etcd runs as.

Then either another user can change the store, or etcd runs as root only to be able to write.

Fix: make the user of etcd its owner: ``etcd:etcd``, or ``root:root`` where it runs as a static pod.

See: https://etcd.io/docs/latest/op-guide/configuration/
"""

from leadline.posture.control import not_built

ETCD_DATA_NOT_OWNED_BY_ETCD = not_built(
    "C-0103",
    "Ensure that the etcd data directory ownership is set to etcd:etcd",
    problem="etcd data: owner not etcd",
    consequence="secrets",
    score=6.0,
    reference_score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
