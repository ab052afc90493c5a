"""etcd's data folder belongs to another user than the one etcd runs as.

Then either another user can change the store, or etcd runs as root only to be able to write.

Fix: make the user of etcd its owner: ``etcd:etcd``, or ``root:root`` where it runs as a static pod.

Example::

    apiVersion: hostdata.kubescape.cloud/v1beta1
    kind: ControlPlaneInfo
    metadata: {name: n1}
    spec:
      etcdDataDir: {path: /var/lib/etcd, permissions: 448, ownership: {uid: 1000, gid: 1000, username: ubuntu, groupname: ubuntu}}

Cannot see: access control lists, and who may become root on the node.

See: https://etcd.io/docs/latest/op-guide/configuration/
"""

from leadline.posture.checks.host_files import CONTROL_PLANE, not_owned_by_root
from leadline.posture.control import Resource, Violations, control


@control(
    "C-0103",
    "Ensure that the etcd data directory ownership is set to etcd:etcd",
    problem="etcd data: owner not etcd",
    consequence="secrets",
    score=6.0,
    reference_score=7.0,
    category="Control plane",
    kinds=(CONTROL_PLANE,),
)
def etcd_data_not_owned_by_etcd(node: Resource) -> Violations:
    return not_owned_by_root(node, "etcdDataDir", or_names=("etcd", "etcd"))
