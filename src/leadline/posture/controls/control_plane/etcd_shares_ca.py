"""etcd trusts the same CA that signs the certificates of the cluster's users.

Every user and kubelet with a certificate of the cluster may then open etcd itself and pass by RBAC and
the audit log. kubeadm makes a CA for etcd alone.

Fix: make a CA of its own for etcd, sign its certificates and the API server's client
certificate with it, and name it with ``--trusted-ca-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: etcd-n1, namespace: kube-system}
    spec:
      containers:
      - name: etcd
        image: registry.k8s.io/etcd:3.6.4-0
        command:
        - etcd
        - --trusted-ca-file=/etc/pki/ca.crt
    ---
    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver-n1, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command:
        - kube-apiserver
        - --client-ca-file=/etc/pki/ca.crt

Cannot see: the same CA under two file names; an etcd or API server that is not part of the
target.

See: https://kubernetes.io/docs/setup/best-practices/certificates/#single-root-ca
"""

from leadline.posture.control import Etcd, Inventory, Violations, control


@control(
    "C-0159",
    "Ensure that a unique Certificate Authority is used for etcd",
    problem="etcd shares the cluster's CA",
    consequence="cluster takeover",
    score=6.0,
    reference_score=8.0,
    category="Control plane",
    reads=("Pod",),
)
def etcd_shares_ca(etcd: Etcd, inventory: Inventory) -> Violations:
    own = etcd.flag("trusted-ca-file")
    if own is None or etcd.settings_file:
        return
    for process in inventory.control_plane:
        if process.program != "kube-apiserver" or etcd.resource.namespace != process.resource.namespace:
            continue
        clients = process.flag("client-ca-file")
        if clients and clients.value == own.value:
            yield etcd.change(own, "<path/to/different-tls-certificate-file.crt>")
            yield process.review(clients)
            return
