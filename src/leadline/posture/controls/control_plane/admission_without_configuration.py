"""The API server has no configuration of admission plugins.

Namespaces without labels then allow every pod: Pod Security has no default for them.

Fix: write ``--admission-control-config-file`` with defaults for PodSecurity.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.36.3
        command: [kube-apiserver, --profiling=false]

Cannot see: what the file says; policies of other kinds.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.control import YOUR_VALUE, ApiServer, Violations, control


@control(
    "L-0095",
    "API server has a configuration of Pod Security admission",
    problem="No defaults for Pod Security",
    consequence="other",
    score=2.0,
    category="Control plane",
)
def admission_without_configuration(api_server: ApiServer) -> Violations:
    yield from api_server.missing(("admission-control-config-file", YOUR_VALUE))
