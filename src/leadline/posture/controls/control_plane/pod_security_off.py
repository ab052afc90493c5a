"""Pod Security admission is switched off.

The labels of namespaces then forbid nothing.

Fix: remove ``PodSecurity=false`` from the feature gates, and PodSecurity from the plugins that are disabled.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.36.3
        command: [kube-apiserver, "--feature-gates=A=true,PodSecurity=false"]

Cannot see: policies that are in its place.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "L-0096",
    "PodSecurity is not switched off by a feature gate",
    problem="Pod Security is off",
    consequence="other",
    score=6.0,
    category="Control plane",
)
def pod_security_off(api_server: ApiServer) -> Violations:
    yield from api_server.without_items("feature-gates", ["PodSecurity=false"])
    yield from api_server.without_items("disable-admission-plugins", ["PodSecurity"])
