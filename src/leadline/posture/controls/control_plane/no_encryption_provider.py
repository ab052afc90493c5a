"""The API server has no file that says how to encrypt what it stores.

The flag ``--encryption-provider-config`` has no default, and the provider that takes its place,
``identity``, changes nothing. A provider backed by a key service keeps the key away from the data it
protects.

Fix: create the file with a ``kms`` or ``secretbox`` provider before ``identity``, mount it into the Pod and
name it with the flag.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --etcd-servers=https://127.0.0.1:2379]

Cannot see: the file itself, so neither its providers nor whether ``secrets`` are among its resources.

See: https://kubernetes.io/docs/tasks/administer-cluster/kms-provider/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0141",
    "Ensure that the API Server --encryption-provider-config argument is set as appropriate",
    problem="No encryption provider configured",
    consequence="secrets",
    score=5.0,
    reference_score=7.0,
    category="Control plane",
)
def no_encryption_provider(api_server: ApiServer) -> Violations:
    yield from api_server.missing(("encryption-provider-config", "YOUR_VALUE"))
