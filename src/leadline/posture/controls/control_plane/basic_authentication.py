"""The API server accepts passwords from a file.

They are stored in plain text, never expire, and change only with a restart. Releases from 1.19 do not start with the flag.

Fix: remove ``--basic-auth-file``, and use an identity provider.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.36.3
        command: [kube-apiserver, --basic-auth-file=/etc/kubernetes/users.csv]

Cannot see: static tokens, which another control reads.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "L-0094",
    "API server has no basic authentication",
    problem="Passwords in a file of the API server",
    consequence="cluster takeover",
    score=8.0,
    category="Control plane",
)
def basic_authentication(api_server: ApiServer) -> Violations:
    flag = api_server.flag("basic-auth-file")
    if flag is not None:
        yield api_server.review(flag)
