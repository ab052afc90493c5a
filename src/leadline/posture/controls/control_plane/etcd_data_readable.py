"""Others than etcd's user may enter its data folder.

The folder is the cluster: every object and every Secret that is not encrypted lies there.

Fix: set the mode of the folder to 700.

See: https://etcd.io/docs/latest/op-guide/configuration/
"""

from leadline.posture.control import not_built

ETCD_DATA_READABLE = not_built(
    "C-0102",
    "Ensure that the etcd data directory permissions are set to 700 or more restrictive",
    problem="etcd data: loose file mode",
    consequence="secrets",
    score=7.0,
    category="Control plane",
    needs="files and settings of the nodes",
)
