"""The API server trusts a file of passwords that never expire.

The tokens are in it as plain text. None can be changed or withdrawn without a restart, and a copy of
the file is a copy of every login.

Fix: move the users of the file to OpenID Connect or client certificates, programs to service accounts,
then take the flag out.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --token-auth-file=/etc/kubernetes/tokens.csv]

Cannot see: who uses the tokens in the file.

See: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0114",
    "Ensure that the API Server --token-auth-file parameter is not set",
    problem="Static token file in use",
    consequence="cluster takeover",
    score=7.0,
    reference_score=8.0,
    category="Control plane",
)
def token_file(api_server: ApiServer) -> Violations:
    for flag in api_server.every("token-auth-file"):
        yield api_server.review(flag)
