"""Serving certificates of the kubelets are not renewed.

The feature gate RotateKubeletServerCertificate is on by default; here it was turned off. Certificates
then run out, or are made to last for years.

Fix: take ``RotateKubeletServerCertificate=false`` out of ``--feature-gates``, and see that someone approves
the requests.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-controller-manager, namespace: kube-system}
    spec:
      containers:
      - name: kube-controller-manager
        image: registry.k8s.io/kube-controller-manager:v1.34.2
        command: [kube-controller-manager, --feature-gates=RotateKubeletServerCertificate=false]

Cannot see: the kubelets' own setting ``serverTLSBootstrap``, and who approves their requests.

See: https://kubernetes.io/docs/tasks/tls/certificate-rotation/
"""

from leadline.posture.control import ControllerManager, Violations, control

GATE = "RotateKubeletServerCertificate"


def is_off(gate: str) -> bool:
    name, _, value = gate.partition("=")
    return name.strip() == GATE and value.strip().lower() in ("false", "f", "0")


@control(
    "C-0149",
    "Ensure that the Controller Manager RotateKubeletServerCertificate argument is set to true",
    problem="Kubelet certificate rotation is off",
    consequence="other",
    score=4.0,
    reference_score=6.0,
    category="Control plane",
)
def kubelet_certificate_rotation_off(manager: ControllerManager) -> Violations:
    for flag in manager.every("feature-gates"):
        gates = [f"{GATE}=true" if is_off(gate) else gate for gate in flag.items]
        if gates != list(flag.items):
            yield manager.change(flag, ",".join(gates))
