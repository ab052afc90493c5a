"""All controllers act under one name that may do what any of them needs.

With accounts of their own each controller has only its rights, and the audit log distinguishes them. The
flag is false where it is not given; kubeadm sets it.

Fix: write ``--use-service-account-credentials=true``; the roles for it exist in every cluster.

Example::

    apiVersion: v1
    kind: Pod
    metadata: {name: kube-controller-manager, namespace: kube-system}
    spec:
      containers:
      - name: kube-controller-manager
        image: registry.k8s.io/kube-controller-manager:v1.34.2
        command: [kube-controller-manager, --use-service-account-credentials=false]

Cannot see: rights that were bound to the controllers' accounts in addition to the built-in ones.

See: https://kubernetes.io/docs/reference/access-authn-authz/rbac/#controller-roles
"""

from leadline.posture.control import ControllerManager, Violations, control


@control(
    "C-0146",
    "Ensure that the Controller Manager --use-service-account-credentials argument is set to true",
    problem="Controllers share one account",
    consequence="cluster takeover",
    score=4.0,
    category="Control plane",
)
def shared_controller_credentials(manager: ControllerManager) -> Violations:
    if not manager.is_true("use-service-account-credentials", default=False):
        yield manager.set_to("use-service-account-credentials", "true")
