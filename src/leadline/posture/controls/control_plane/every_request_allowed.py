"""Every request of every caller is allowed.

``AlwaysAllow`` answers yes before anything else is asked. It is also the default where neither
``--authorization-mode`` nor ``--authorization-config`` is given.

Fix: write ``--authorization-mode=Node,RBAC``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --authorization-mode=AlwaysAllow]

Cannot see: authorisers in the file of ``--authorization-config``, which a person has to look at.

See: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#authorization-modules
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0118",
    "Ensure that the API Server --authorization-mode argument is not set to AlwaysAllow",
    problem="Every request is allowed",
    consequence="cluster takeover",
    score=10.0,
    reference_score=7.0,
    category="Control plane",
)
def every_request_allowed(api_server: ApiServer) -> Violations:
    if api_server.authorization_file:
        yield api_server.review(api_server.authorization_file)
    elif not (modes := api_server.items("authorization-mode")) or "AlwaysAllow" in modes:
        yield from api_server.with_authorizers()
