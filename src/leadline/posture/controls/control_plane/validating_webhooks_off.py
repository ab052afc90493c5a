"""The API server asks no validating webhooks.

Policies that a webhook enforces are then written and never asked.

Fix: remove it from ``--disable-admission-plugins``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.36.3
        command: [kube-apiserver, "--disable-admission-plugins=PodNodeSelector,ValidatingAdmissionWebhook"]

Cannot see: webhooks that fail open.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "L-0093",
    "ValidatingAdmissionWebhook is on",
    problem="Validating webhooks are off",
    consequence="other",
    score=5.0,
    category="Control plane",
)
def validating_webhooks_off(api_server: ApiServer) -> Violations:
    yield from api_server.without_items("disable-admission-plugins", ["ValidatingAdmissionWebhook"])
