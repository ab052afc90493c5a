"""The API server has every alpha feature enabled.

Alpha features change without notice, and their weaknesses are found late.

Fix: remove ``AllAlpha=true``, and enable single features where you need them.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.36.3
        command: [kube-apiserver, --feature-gates=AllAlpha=true]

Cannot see: single alpha features.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "L-0092",
    "Alpha APIs are off",
    problem="Alpha features are on",
    consequence="other",
    score=4.0,
    category="Control plane",
)
def alpha_features(api_server: ApiServer) -> Violations:
    for flag in api_server.every("feature-gates"):
        if "allalpha=true" in (item.lower() for item in flag.items):
            kept = [item for item in flag.items if item.lower() != "allalpha=true"]
            yield api_server.change(flag, ",".join(kept) or "AllAlpha=false")
