"""The API server accepts TLS before version 1.2.

Older versions have weaknesses by which recorded traffic can be read.

Fix: leave ``--tls-min-version`` away, which means 1.2, or write ``VersionTLS12`` or ``VersionTLS13``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.36.3
        command: [kube-apiserver, --tls-min-version=VersionTLS10]

Cannot see: what is in front of the port.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "L-0091",
    "TLS 1.2 at least: API server",
    problem="Old TLS versions: API server",
    consequence="other",
    score=3.0,
    category="Control plane",
)
def api_server_old_tls(api_server: ApiServer) -> Violations:
    version = api_server.flag("tls-min-version")
    if version is not None and version.value not in ("VersionTLS12", "VersionTLS13", ""):
        yield api_server.change(version, "VersionTLS12")
