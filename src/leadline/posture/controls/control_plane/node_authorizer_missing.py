"""Kubelets are not held to the objects of their own node.

The Node authoriser lets a kubelet read only the secrets and ConfigMaps of pods that run on it. Without
it the kubelets need a role that reads them all, and one compromised node compromises the whole cluster. Only
kubeadm and its kin set it; by default no authoriser is named.

Fix: write ``--authorization-mode=Node,RBAC``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --authorization-mode=RBAC]

Cannot see: roles that are bound to ``system:nodes`` and widen the limit again; the file of
``--authorization-config``.

See: https://kubernetes.io/docs/reference/access-authn-authz/node/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0119",
    "Ensure that the API Server --authorization-mode argument includes Node",
    problem="Node authorizer missing",
    consequence="cluster takeover",
    score=6.0,
    reference_score=5.0,
    category="Control plane",
)
def node_authorizer_missing(api_server: ApiServer) -> Violations:
    if api_server.authorization_file:
        yield api_server.review(api_server.authorization_file)
    elif "Node" not in api_server.items("authorization-mode"):
        yield from api_server.with_authorizers()
