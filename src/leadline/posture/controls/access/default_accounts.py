"""What default accounts and others beyond need may do."""

from leadline.posture import control_examples as examples
from leadline.posture.checks.rbac_queries import (
    REACH_KUBELETS,
    READ_SECRETS,
    RUN_COMMANDS,
    beyond_reading,
    beyond_reading_a_namespace,
)
from leadline.posture.control import (
    WORKLOADS,
    Grant,
    Inventory,
    Remove,
    Resource,
    Set,
    Violations,
    control,
    mapping,
    mappings,
)
from leadline.posture.join_indexes import BINDINGS

EDIT_FOR_DEFAULT = examples.binding(
    "name: defaults-edit, namespace: shop",
    "edit",
    "kind: ServiceAccount, name: default, namespace: shop",
    kind="RoleBinding",
)


def without_default_accounts(binding: Resource) -> Violations:
    """Takes the default accounts out of a binding that is not one of Kubernetes' own."""
    labels = mapping(mapping(binding.body.get("metadata")).get("labels"))
    if labels.get("kubernetes.io/bootstrapping") == "rbac-defaults":
        return
    for i, subject in mappings(binding.body.get("subjects")):
        if subject.get("kind") == "ServiceAccount" and subject.get("name") == "default":
            yield Remove(f"subjects[{i}]")


@control(
    "L-0027",
    "No role is bound to a default service account",
    problem="Role for a default service account",
    consequence="secrets",
    score=5.0,
    category="Access control",
    kinds=BINDINGS,
    example=examples.default_account_with('apiGroups: [""], resources: [pods], verbs: [list]'),
    see="https://kubernetes.io/docs/concepts/security/service-accounts/",
)
def bound_default_account(binding: Resource) -> Violations:
    """A role is bound to the ``default`` service account, so every pod of the namespace that names no account holds it.

    Rights that are bound to it reach pods that were never meant to have them, those that are added later too.

    Fix: make a service account for the program that needs the role, and bind the role to it.

    Cannot see: what the role allows.
    """
    yield from without_default_accounts(binding)


@control(
    "C-0239",
    "Prefer using dedicated AKS Service Accounts",
    problem="Role for a default account (AKS)",
    consequence="secrets",
    score=5.0,
    reference_score=7.0,
    category="Access control",
    kinds=BINDINGS,
    cloud="AKS",
    example=EDIT_FOR_DEFAULT,
    see="https://learn.microsoft.com/azure/aks/workload-identity-overview",
)
def bound_default_account_aks(resource: Resource) -> Violations:
    """A role is bound to the ``default`` service account, so every unnamed pod of the namespace holds it.

    ``default`` is rarely a choice: it is what a pod gets that names no account. Rights that are
    bound to it reach pods that were never meant to have them, and with workload identity the same mistake
    reaches Azure.

    Fix: make a service account for the program that needs the role, and bind the role to it.

    Cannot see: identities of Azure that are federated with the account outside the cluster.
    """
    yield from without_default_accounts(resource)


@control(
    "C-0225",
    "Prefer using dedicated EKS Service Accounts",
    problem="Default account with a token (EKS)",
    consequence="secrets",
    score=4.0,
    reference_score=7.0,
    category="Access control",
    kinds=(*BINDINGS, "ServiceAccount"),
    cloud="EKS",
    example=EDIT_FOR_DEFAULT,
    see="https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html",
)
def default_account_in_use_eks(resource: Resource) -> Violations:
    """The ``default`` service account has rights, or its token is handed to pods that ask for nothing.

    Every pod that names no account runs as ``default``. What is bound to it is given to all of them, and on
    EKS a role of AWS that is tied to the account goes along. With accounts of their own, programs get only
    what is theirs.

    Fix: bind the role to a dedicated account, tie the AWS role to that one, and set
    ``automountServiceAccountToken: false`` on ``default``.

    Cannot see: AWS roles that are associated with the account outside the cluster by EKS Pod Identity.
    """
    if resource.kind == "ServiceAccount":
        if resource.name == "default" and resource.body.get("automountServiceAccountToken") is not False:
            yield Set("automountServiceAccountToken", False)
        return
    yield from without_default_accounts(resource)


def is_service_account(grant: Grant) -> bool:
    return grant.kind == "ServiceAccount"


@control(
    "C-0053",
    "Access container service account",
    problem="Service account may do more than read",
    consequence="cluster takeover",
    score=5.0,
    reference_score=6.0,
    category="Access control",
    applies=is_service_account,
    reads=("ServiceAccount", WORKLOADS),
    see="https://kubernetes.io/docs/concepts/security/service-accounts/",
)
def service_account_beyond_reading(grant: Grant, inventory: Inventory) -> Violations:
    """The token in these containers can change the cluster or read its secrets.

    Anyone who breaks into a container finds the token of its service account in a file and may do all that the
    account may. Here that is more than reading: it creates, changes or deletes objects, hands out secrets, or opens
    a shell in pods, for which ``get`` on ``pods/exec`` or ``nodes/proxy`` is enough. An account whose token no pod
    mounts is left alone, and so is a role that only lets a program write its own events, leases and status.

    Fix: cut the role down to what the program calls, or set ``automountServiceAccountToken: false`` where it
    calls nothing.

    Example::

        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRole
        metadata: {name: shop-writer}
        rules:
        - apiGroups: [""]
          resources: [services]
          verbs: [patch]
        ---
        apiVersion: rbac.authorization.k8s.io/v1
        kind: ClusterRoleBinding
        metadata: {name: web-writes}
        roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: shop-writer}
        subjects:
        - {kind: ServiceAccount, name: web, namespace: shop}

    Cannot see: pods that use the account and are not part of the target; tokens that were made by request
    and kept elsewhere.
    """
    users = inventory.workloads_of_account(grant.namespace or grant.reaches, grant.name)
    if any(map(inventory.mounts_token, users)) or not (users or inventory.is_whole):
        writes = beyond_reading if grant.is_cluster_wide else beyond_reading_a_namespace
        yield from grant.may_any((*READ_SECRETS, *RUN_COMMANDS, *REACH_KUBELETS, writes))
