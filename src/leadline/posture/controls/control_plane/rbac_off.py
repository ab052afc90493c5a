"""The API server does not ask RBAC who may do what.

Roles and bindings then have no effect. Without ``--authorization-mode`` every request is allowed, since
the default is ``AlwaysAllow``; kubeadm writes ``Node,RBAC``.

Fix: write ``--authorization-mode=Node,RBAC``, after making sure that the roles your programs need are
bound.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --authorization-mode=ABAC]

Cannot see: authorisers in the file of ``--authorization-config``, which is given to a person to look at;
the setting of a managed cluster.

See: https://kubernetes.io/docs/reference/access-authn-authz/rbac/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0088",
    "RBAC enabled",
    problem="RBAC is off",
    consequence="cluster takeover",
    score=9.0,
    reference_score=7.0,
    category="Control plane",
)
def rbac_off(api_server: ApiServer) -> Violations:
    modes = api_server.flag("authorization-mode")
    if api_server.authorization_file:
        yield api_server.review(api_server.authorization_file)
    elif modes is None:
        yield api_server.append("authorization-mode", "Node,RBAC")
    elif "RBAC" not in api_server.items("authorization-mode"):
        yield api_server.review(modes)
