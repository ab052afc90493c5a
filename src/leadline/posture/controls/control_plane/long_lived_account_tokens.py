"""Tokens in pods are good for a year, though they say an hour.

For the sake of old clients that never read their token again, the API server stretches the tokens it
hands to pods. A stolen one then stays useful for as long. The flag is true where it is not given.

Fix: look at the metric ``serviceaccount_stale_tokens_total`` for clients that still depend on it, then
write ``--service-account-extend-token-expiration=false``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --service-account-extend-token-expiration=true]

Cannot see: which clients read their token only once.

See: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0290",
    "Ensure that the --service-account-extend-token-expiration parameter is set to false",
    problem="Account tokens live for a year",
    consequence="secrets",
    score=4.0,
    reference_score=6.0,
    category="Control plane",
)
def long_lived_account_tokens(api_server: ApiServer) -> Violations:
    if api_server.is_true("service-account-extend-token-expiration", default=True):
        yield api_server.set_to("service-account-extend-token-expiration", "false")
