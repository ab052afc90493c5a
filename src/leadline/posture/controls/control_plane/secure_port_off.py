"""The port that encrypts and asks for a login is switched off.

Requests then have no safe way in. The default is 6443; only an old release accepts 0, and serves on the
open port instead.

Fix: take the flag out, or name a port from 1 to 65535.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --secure-port=0]

Cannot see: proxies that encrypt in front of the API server.

See: https://kubernetes.io/docs/concepts/security/controlling-access/#transport-security
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0128",
    "Ensure that the API Server --secure-port argument is not set to 0",
    problem="Secure port is off",
    consequence="availability",
    score=4.0,
    reference_score=8.0,
    category="Control plane",
)
def secure_port_off(api_server: ApiServer) -> Violations:
    for flag in api_server.every("secure-port"):
        if flag.number == 0:
            yield api_server.review(flag)
