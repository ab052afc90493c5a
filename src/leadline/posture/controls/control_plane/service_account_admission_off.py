"""Pods get no service account, and what they name is not checked.

The plugin ServiceAccount fills in the account, mounts its token and refuses accounts that do not exist.
It is on by default; here it was switched off.

Fix: take ``ServiceAccount`` out of ``--disable-admission-plugins``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-apiserver, namespace: kube-system}
    spec:
      containers:
      - name: kube-apiserver
        image: registry.k8s.io/kube-apiserver:v1.34.2
        command: [kube-apiserver, --disable-admission-plugins=ServiceAccount]

Cannot see: why it was switched off.

See: https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount
"""

from leadline.posture.control import ApiServer, Violations, control


@control(
    "C-0125",
    "Ensure that the admission control plugin ServiceAccount is set",
    problem="ServiceAccount admission is off",
    consequence="availability",
    score=4.0,
    reference_score=3.0,
    category="Control plane",
)
def service_account_admission_off(api_server: ApiServer) -> Violations:
    yield from api_server.without_items("disable-admission-plugins", ("ServiceAccount",))
