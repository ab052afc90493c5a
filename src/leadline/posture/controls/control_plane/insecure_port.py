"""The API server answers on a port without encryption, login or authorisation.

Anyone who reaches that port is an administrator of the cluster. The flag lost its effect in Kubernetes
1.20 and is refused from 1.24 on, so it matters on old releases only. An absent flag passes; on those
releases it meant 8080, but every common installer wrote 0.

Fix: upgrade, and leave the flag out; on a release that still obeys it, write ``--insecure-port=0``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --insecure-port=8080]

Cannot see: firewalls before the port; API servers that do not run as a Pod, as in k3s and in managed
clusters.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0005",
    "API server insecure port is enabled",
    problem="API server answers without TLS or login",
    consequence="cluster takeover",
    score=10.0,
    reference_score=9.0,
    category="Control plane",
)
def insecure_port(api_server: ApiServer) -> Violations:
    for flag in api_server.every("insecure-port"):
        if flag.number != 0:
            yield api_server.review(flag)
