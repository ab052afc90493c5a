"""The API server speaks to etcd without a certificate of its own.

Then etcd must let everyone in who reaches its port, and with it everything the cluster stores. Both
flags are empty by default; kubeadm sets them.

Fix: make a client certificate for etcd, name its files with both flags, and set
``--client-cert-auth=true`` on etcd.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --etcd-servers=https://10.0.0.1:2379]

Cannot see: whether etcd asks for a certificate where it runs outside of Pods.

See: https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/#securing-etcd-clusters
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0137",
    "Ensure that the API Server --etcd-certfile and --etcd-keyfile arguments are set as appropriate",
    problem="No client certificate for etcd",
    consequence="secrets",
    score=6.0,
    reference_score=8.0,
    category="Control plane",
)
def etcd_client_certificate_missing(api_server: ApiServer) -> Violations:
    yield from api_server.missing(
        ("etcd-certfile", "<path/to/client-certificate-file.crt>"),
        ("etcd-keyfile", "<path/to/client-key-file.key>"),
    )
