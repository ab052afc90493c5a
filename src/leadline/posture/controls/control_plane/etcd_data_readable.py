"""Others than etcd's user may enter its data folder.

The folder is the cluster: every object and every Secret that is not encrypted lies there.

Fix: set the mode of the folder to 700.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      etcdDataDir: {path: /var/lib/etcd, permissions: 493, ownership: {uid: 0, gid: 0, username: root, groupname: root}}

Cannot see: access control lists, and who may become root on the node.

See: https://etcd.io/docs/latest/op-guide/configuration/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, looser_than
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0102",
    "Ensure that the etcd data directory permissions are set to 700 or more restrictive",
    problem="etcd data: loose file mode",
    consequence="secrets",
    score=7.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def etcd_data_readable(node: Resource) -> Violations:
    return looser_than(0o700, node, "etcdDataDir")
