"""The API server does not check that the etcd it stores everything in is the real one.

A machine that answers in etcd's place receives every secret that is written and can hand back what it
likes. The flag is empty by default; kubeadm sets it.

Fix: name the CA that signed etcd's certificates with ``--etcd-cafile``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --etcd-servers=https://10.0.0.1:2379]

Cannot see: whether etcd's certificates were signed by it.

See: https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/#securing-communication
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0140",
    "Ensure that the API Server --etcd-cafile argument is set as appropriate",
    problem="etcd's certificate not verified",
    consequence="secrets",
    score=6.0,
    reference_score=8.0,
    category="Control plane",
)
def etcd_ca_missing(api_server: ApiServer) -> Violations:
    yield from api_server.missing(("etcd-cafile", "<path/to/ca-file.crt>"))
