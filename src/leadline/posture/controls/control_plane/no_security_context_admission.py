"""No admission plugin looks at the security contexts of pods.

Kubernetes took away PodSecurityPolicy in 1.25 and SecurityContextDeny in 1.30; an API server that is
given a plugin it does not know refuses to start. Since 1.25 the plugin PodSecurity does the work
and is on by default, so what is asked there is that no flag switched it off.

A release before 1.25, by the tag of the image, needs one of the two older plugins.

Fix: take ``PodSecurity`` out of ``--disable-admission-plugins``, and label namespaces with the standard
they are held to.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --disable-admission-plugins=PodSecurity]

Cannot see: the labels of namespaces, which other controls judge; the release, where the image is named
by digest alone.

See: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from leadline.posture.control import ApiServer, Violations, control

OLD_PLUGINS = frozenset({"SecurityContextDeny", "PodSecurityPolicy"})


@control(
    "C-0124",
    "Ensure that the admission control plugin SecurityContextDeny is set if PodSecurityPolicy is not used",
    problem="No SecurityContextDeny or PodSecurity",
    consequence="node escape",
    score=4.0,
    category="Control plane",
)
def no_security_context_admission(api_server: ApiServer) -> Violations:
    if not api_server.has_pod_security_policy:
        yield from api_server.without_items("disable-admission-plugins", ("PodSecurity",))
    elif not api_server.items("enable-admission-plugins") & OLD_PLUGINS:
        yield api_server.with_item("enable-admission-plugins", "SecurityContextDeny")
