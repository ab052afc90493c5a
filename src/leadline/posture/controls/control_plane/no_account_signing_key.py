"""The controller manager has no key to sign tokens of service accounts with.

Tokens kept in Secrets then cannot be made, and clusters get by with a key that serves other ends too.
There is no default; kubeadm sets it.

Fix: name the private half of the key pair whose public half the API server checks tokens with.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-controller-manager, namespace: kube-system}
    spec:
      containers:
      - name: kube-controller-manager
        image: registry.k8s.io/kube-controller-manager:v1.34.2
        command: [kube-controller-manager, --leader-elect=true]

Cannot see: whether the two halves belong together, and how old they are.

See: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-controller-manager/
"""

from leadline.posture.control import ControllerManager, Violations, control


@control(
    "C-0147",
    "Ensure that the Controller Manager --service-account-private-key-file argument is set as appropriate",
    problem="No private key for account tokens",
    consequence="cluster takeover",
    score=4.0,
    reference_score=6.0,
    category="Control plane",
)
def no_account_signing_key(manager: ControllerManager) -> Violations:
    yield from manager.missing(("service-account-private-key-file", "<path/to/key/filename.key>"))
