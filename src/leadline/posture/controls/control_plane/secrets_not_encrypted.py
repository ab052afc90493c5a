"""Secrets are stored in etcd as they are, readable in any copy of its files.

A backup, a snapshot of a disk or a login on the etcd node then holds every password of the cluster in
plain text. Without the flag nothing is encrypted: that is the default of every release.

Fix: write an EncryptionConfiguration that covers ``secrets``, name it with
``--encryption-provider-config``, and rewrite the secrets that exist.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --etcd-servers=https://127.0.0.1:2379]

Cannot see: whether the file encrypts secrets, and with which provider; encryption that a cloud switches
on for managed clusters; disks that are encrypted below etcd.

See: https://kubernetes.io/docs/tasks/administer-cluster/encrypt-data/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0066",
    "Secret/etcd encryption enabled",
    problem="Secrets unencrypted in etcd",
    consequence="secrets",
    score=6.0,
    category="Control plane",
)
def secrets_not_encrypted(api_server: ApiServer) -> Violations:
    yield from api_server.missing(("encryption-provider-config", "YOUR_VALUE"))
