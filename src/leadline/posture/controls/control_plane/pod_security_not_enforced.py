"""No built-in admission plugin holds pods to a security standard.

PodSecurityPolicy did this until Kubernetes 1.25 took it away. In its place is the plugin
PodSecurity, which is on by default and obeys the labels of namespaces; this control asks that no flag
switched it off.

On older releases, by the tag of the image, PodSecurityPolicy has to be enabled, which no release
does by itself.

Fix: take ``PodSecurity`` out of ``--disable-admission-plugins``; on a release before 1.25, upgrade.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --disable-admission-plugins=PodSecurity]

Cannot see: which level the namespaces ask for; policies of other admission controllers; the release,
where the image is named by digest alone.

See: https://kubernetes.io/docs/concepts/security/pod-security-admission/
"""

from leadline.posture.control import ApiServer, Review, Violations, control


@control(
    "C-0068",
    "PSP enabled",
    problem="No pod security admission",
    consequence="node escape",
    score=4.0,
    reference_score=1.0,
    category="Control plane",
)
def pod_security_not_enforced(api_server: ApiServer) -> Violations:
    if not api_server.has_pod_security_policy:
        yield from api_server.without_items("disable-admission-plugins", ("PodSecurity",))
    elif "PodSecurityPolicy" not in api_server.items("enable-admission-plugins"):
        flag = api_server.flag("enable-admission-plugins")
        yield api_server.review(flag) if flag else Review("")
