"""A pod may use a private image that another pod left on the node, without a password for it.

With AlwaysPullImages the registry is asked before each start, so the pod's own credentials have to be
good. The plugin is off by default; it makes the registry a condition for every start.

Fix: add ``AlwaysPullImages`` to ``--enable-admission-plugins``, and see that the registry is always up.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --enable-admission-plugins=PodNodeSelector]

Cannot see: the kubelet's own check of credentials for images that are present, which newer releases
have.

See: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#alwayspullimages
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0123",
    "Ensure that the admission control plugin AlwaysPullImages is set",
    problem="Images not pulled at every start",
    consequence="secrets",
    score=3.0,
    reference_score=4.0,
    category="Control plane",
)
def images_not_always_pulled(api_server: ApiServer) -> Violations:
    if "AlwaysPullImages" not in api_server.items("enable-admission-plugins"):
        yield api_server.with_item("enable-admission-plugins", "AlwaysPullImages")
