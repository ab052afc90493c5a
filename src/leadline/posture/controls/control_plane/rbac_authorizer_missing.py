"""RBAC is not among the authorisers, so roles and bindings decide nothing.

What decides instead, ABAC's file or a webhook, cannot be seen in the cluster nor checked by those who
work in it. A flag that is absent means ``AlwaysAllow``.

Fix: write ``--authorization-mode=Node,RBAC``; keep a webhook behind it if you need one.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --authorization-mode=Node]

Cannot see: what a webhook decides; the file of ``--authorization-config``.

See: https://kubernetes.io/docs/reference/access-authn-authz/authorization/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0120",
    "Ensure that the API Server --authorization-mode argument includes RBAC",
    problem="RBAC authorizer missing",
    consequence="cluster takeover",
    score=8.0,
    category="Control plane",
)
def rbac_authorizer_missing(api_server: ApiServer) -> Violations:
    if api_server.authorization_file:
        yield api_server.review(api_server.authorization_file)
    elif "RBAC" not in api_server.items("authorization-mode"):
        yield from api_server.with_authorizers()
