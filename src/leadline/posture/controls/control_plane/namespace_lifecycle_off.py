"""Objects can be made in namespaces that do not exist or are being deleted, where no one looks.

The plugin NamespaceLifecycle forbids this, and protects ``default``, ``kube-system`` and ``kube-public`` from
deletion. It is on by default; here it was switched off.

Fix: take ``NamespaceLifecycle`` out of ``--disable-admission-plugins``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --disable-admission-plugins=NamespaceLifecycle]

Cannot see: objects that were left behind while it was off.

See: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#namespacelifecycle
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0126",
    "Ensure that the admission control plugin NamespaceLifecycle is set",
    problem="NamespaceLifecycle admission is off",
    consequence="availability",
    score=4.0,
    reference_score=3.0,
    category="Control plane",
)
def namespace_lifecycle_off(api_server: ApiServer) -> Violations:
    yield from api_server.without_items("disable-admission-plugins", ("NamespaceLifecycle",))
