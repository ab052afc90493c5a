"""Tokens of service accounts in pods."""

from leadline.kube.rbac import RBAC_KINDS
from leadline.posture.control import Inventory, Review, Set, Violations, Workload
from leadline.posture.control_families import pod_control


@pod_control(
    "C-0034",
    "Automatic mapping of service account",
    problem="Service account token mounted by default",
    consequence="secrets",
    score=4.0,
    reference_score=6.0,
    category="Secrets",
    reads=("ServiceAccount", *RBAC_KINDS),
    see="https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
)
def mounted_service_account_token(workload: Workload, inventory: Inventory) -> Violations:
    """A token of the service account is put into every container, whether it calls the API or not.

    Anyone who reads that file acts as the account. Most programs never talk to the API server, so for them
    the token only serves an attacker.

    Fix: set ``automountServiceAccountToken: false`` in the pod, or in the service account for all of its
    pods.

    Cannot see: whether the program does call the Kubernetes API; one whose own account was given rights is
    taken to.
    """
    if inventory.mounts_token(workload) and not inventory.works_with_token(workload):
        yield Set("automountServiceAccountToken", False)


@pod_control(
    "C-0190",
    "Ensure that Service Account Tokens are only mounted where necessary",
    problem="Token mounted without need",
    consequence="secrets",
    score=4.0,
    reference_score=5.0,
    category="Workload",
    reads=("ServiceAccount", *RBAC_KINDS),
    see="https://kubernetes.io/docs/concepts/security/service-accounts/",
)
def needless_token(workload: Workload, inventory: Inventory) -> Violations:
    """The pod mounts a token for the Kubernetes API without having asked for it.

    Mounting is the default, so most pods carry a token that they never use; a hole in any of them hands it
    out.

    Fix: switch the mount off in the pod or its account, and back on only in pods that talk to the API
    server.

    Cannot see: whether the program does call the Kubernetes API; one whose own account was given rights is
    taken to.
    """
    if inventory.mounts_token(workload) and not inventory.works_with_token(workload):
        yield Set("automountServiceAccountToken", False)


@pod_control(
    "L-0028",
    "Pods have a service account of their own",
    problem="Pod uses the default account",
    consequence="secrets",
    score=2.0,
    category="Workload",
    reads=("ServiceAccount",),
    see="https://kubernetes.io/docs/concepts/security/service-accounts/",
)
def pod_uses_default_account(workload: Workload, inventory: Inventory) -> Violations:
    """The pod runs as the ``default`` service account and mounts its token.

    What is granted to one program that shares the account is granted to all, and the audit log cannot
    distinguish them.

    Fix: give the workload a service account of its own, or switch the mount off.

    Cannot see: whether the program calls the Kubernetes API.
    """
    if workload.service_account == "default" and inventory.mounts_token(workload):
        yield Review("serviceAccountName")
