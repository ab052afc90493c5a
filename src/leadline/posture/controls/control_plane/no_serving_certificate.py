"""The API server makes up its own certificate, which no caller can check.

Without the two flags it signs one itself at start. Callers have to switch checking off, and then cannot
distinguish the API server from someone in between.

Fix: let the cluster's CA sign a certificate for every name and address of the API server, and
give its files with the flags.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --secure-port=6443]

Cannot see: certificates for single names given with ``--tls-sni-cert-key``; when the certificate expires.

See: https://kubernetes.io/docs/setup/best-practices/certificates/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0138",
    "Ensure that the API Server --tls-cert-file and --tls-private-key-file arguments are set as appropriate",
    problem="API server without its own certificate",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Control plane",
)
def no_serving_certificate(api_server: ApiServer) -> Violations:
    yield from api_server.missing(
        ("tls-cert-file", "<path/to/tls-certificate-file.crt>"),
        ("tls-private-key-file", "<path/to/tls-key-file.key>"),
    )
