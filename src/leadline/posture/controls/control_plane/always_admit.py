"""The plugin AlwaysAdmit is on: it lets every object in and looks at none.

It stems from the time before admission had defaults and is deprecated because it has no use. Where it
was written on purpose, other plugins are usually switched off beside it.

Fix: take ``AlwaysAdmit`` out of ``--enable-admission-plugins``; it is not on by default.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --enable-admission-plugins=AlwaysAdmit]

Cannot see: what ``--disable-admission-plugins`` takes away as well, apart from what other controls ask
for.

See: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwaysadmit
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0122",
    "Ensure that the admission control plugin AlwaysAdmit is not set",
    problem="Admission lets everything pass",
    consequence="cluster takeover",
    score=8.0,
    category="Control plane",
)
def always_admit(api_server: ApiServer) -> Violations:
    yield from api_server.without_items("enable-admission-plugins", ("AlwaysAdmit",))
