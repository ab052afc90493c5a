"""Tokens of service accounts stay good after the account was deleted.

With ``--service-account-lookup=false`` only the signature of a token counts, so deleting an account does
not lock out anyone who stole its token. The flag is true where it is not given; here it was turned off.

Fix: take the flag out, or write ``--service-account-lookup=true``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --service-account-lookup=false]

Cannot see: tokens that are checked by others than the API server.

See: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0135",
    "Ensure that the API Server --service-account-lookup argument is set to true",
    problem="Tokens of deleted accounts accepted",
    consequence="cluster takeover",
    score=6.0,
    category="Control plane",
)
def deleted_accounts_trusted(api_server: ApiServer) -> Violations:
    flag = api_server.flag("service-account-lookup")
    if flag and not api_server.is_true("service-account-lookup", default=True):
        yield api_server.change(flag, "true")
