"""The API server takes requests from callers who do not sign in.

They are treated as ``system:anonymous``, and may do what is bound to that name. One careless binding then
opens the cluster to the network. The flag is true where it is not given. Probes of kubeadm's own
manifest ask ``/livez`` and ``/readyz`` anonymously, so change them together, or allow only these pages in
the file of ``--authentication-config``.

Fix: write ``--anonymous-auth=false``, and let probes sign in or use the authentication file.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --anonymous-auth=true]

Cannot see: the ``anonymous`` section of the file that ``--authentication-config`` names, which a person has
to look at; API servers that do not run as a Pod, as in k3s and in managed clusters.

See: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#anonymous-requests
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0113",
    "Ensure that the API Server --anonymous-auth argument is set to false",
    problem="API server accepts anonymous requests",
    consequence="reachable from outside",
    score=6.0,
    reference_score=8.0,
    category="Control plane",
)
def anonymous_requests(api_server: ApiServer) -> Violations:
    file = api_server.flag("authentication-config")
    if file and not api_server.flag("anonymous-auth"):
        yield api_server.review(file)
    elif api_server.is_true("anonymous-auth", default=True):
        yield api_server.set_to("anonymous-auth", "false")
