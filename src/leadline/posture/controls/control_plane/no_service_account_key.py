"""Tokens of service accounts are checked with a key that was made for something else.

Where the flag is not given the API server uses its own TLS key. That key cannot be changed without
ending every token, nor be kept from machines that only check tokens.

Fix: make a key pair for tokens, sign with the private half in the controller manager or the API server,
and name the public half here.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --tls-private-key-file=/etc/kubernetes/pki/apiserver.key]

Cannot see: who else has the private half.

See: https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0136",
    "Ensure that the API Server --service-account-key-file argument is set as appropriate",
    problem="No key file for account tokens",
    consequence="cluster takeover",
    score=4.0,
    reference_score=5.0,
    category="Control plane",
)
def no_service_account_key(api_server: ApiServer) -> Violations:
    yield from api_server.missing(("service-account-key-file", "<path/to/key.pub>"))
