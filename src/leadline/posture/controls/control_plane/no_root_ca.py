"""No flag names the CA by which pods recognise the API server.

The file named here is put beside every service account token, so that programs know whom they send it
to. Without the flag the controller manager hands out the CA of its own kubeconfig, which need
not be the one that signed the API server's certificate.

Fix: name the cluster's CA with ``--root-ca-file``.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-controller-manager, namespace: kube-system}
    spec:
      containers:
      - name: kube-controller-manager
        image: registry.k8s.io/kube-controller-manager:v1.34.2
        command: [kube-controller-manager, --leader-elect=true]

Cannot see: programs that do not check the certificate in spite of it.

See: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from leadline.posture.control import ControllerManager, Violations, control


@control(
    "C-0148",
    "Ensure that the Controller Manager --root-ca-file argument is set as appropriate",
    problem="No root CA for pods",
    consequence="secrets",
    score=4.0,
    reference_score=7.0,
    category="Control plane",
)
def no_root_ca(manager: ControllerManager) -> Violations:
    yield from manager.missing(("root-ca-file", "<path/to/key/ca.crt>"))
