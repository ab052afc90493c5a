"""The API server accepts no client certificates, so components must sign in by weaker means.

Kubelets, scheduler and controller manager sign in with certificates of a CA that is named here.
There is no default; without it long-lived tokens take their place.

Fix: name the cluster's client CA with ``--client-ca-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --tls-cert-file=/etc/kubernetes/pki/apiserver.crt]

Cannot see: who holds certificates of that CA.

See: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#x509-client-certificates
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0139",
    "Ensure that the API Server --client-ca-file argument is set as appropriate",
    problem="No CA for client certificates",
    consequence="cluster takeover",
    score=5.0,
    reference_score=8.0,
    category="Control plane",
)
def no_client_ca(api_server: ApiServer) -> Violations:
    yield from api_server.missing(("client-ca-file", "<path/to/client-ca.crt>"))
