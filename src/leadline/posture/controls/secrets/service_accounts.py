"""Service accounts and their tokens."""

from collections.abc import Iterator

from leadline.kube.rbac import RBAC_KINDS
from leadline.posture import control_examples as examples
from leadline.posture.apply_unit import DEFAULT_NAMESPACE
from leadline.posture.checks.target_completeness import expect, expect_no_operator
from leadline.posture.checks.token_rights import grants_anything
from leadline.posture.control import (
    WORKLOADS,
    Inventory,
    Resource,
    Review,
    Set,
    Violations,
    Workload,
    control,
    mappings,
    text,
)
from leadline.posture.index import Filed, Index
from leadline.posture.inventory import DEFAULT_ACCOUNT
from leadline.posture.join_indexes import BINDINGS


@control(
    "C-0189",
    "Ensure that default service accounts are not actively used",
    problem="Default service account in use",
    consequence="secrets",
    score=3.0,
    reference_score=5.0,
    category="Workload",
    kinds=("ServiceAccount", "Namespace"),
    see="https://kubernetes.io/docs/concepts/security/service-accounts/",
)
def default_service_account_in_use(resource: Resource, inventory: Inventory) -> Violations:
    """Pods that ask for no account share the default one, and it is usable.

    Every right given to ``default`` is given to whatever is started in the namespace by default; no log
    knows afterwards which pod used it.

    Fix: set ``automountServiceAccountToken: false`` on the account ``default`` and make an account for each
    workload that needs one.

    Example::

        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: default, namespace: shop}

    Cannot see: whether pods use their account.
    """
    if resource.kind == "Namespace":
        if not has_own_account(resource.name, inventory):
            yield Review("", advice="give its workloads service accounts of their own")
    elif resource.name == "default":
        said = resource.body.get("automountServiceAccountToken")
        if said is not False:
            yield Set("automountServiceAccountToken", False)


def names_an_account(workload: Workload) -> bool:
    return workload.service_account != "default"


@control(
    "C-0307",
    "Non-existent service account",
    problem="Service account does not exist",
    consequence="availability",
    score=4.0,
    reference_score=5.0,
    category="Workload",
    applies=names_an_account,
    reads=("ServiceAccount",),
    see="https://kubernetes.io/docs/concepts/security/service-accounts/",
)
def missing_service_account(workload: Workload, inventory: Inventory) -> Violations:
    """The workload names a service account that does not exist.

    Its pods are not created, and anyone who creates an account of that name later chooses what they may do.

    Fix: create the account, or fix the name.

    Example::

        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: web, namespace: shop}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: shop}
        spec:
          template:
            metadata: {labels: {app: web, tier: front}}
            spec:
              serviceAccountName: app
              containers:
              - {name: web, image: "nginx:1.27"}

    Cannot see: accounts elsewhere. Files are judged only where accounts of the namespace are beside the workload.
    """
    if inventory.service_account_of(workload) is None:
        name = workload.service_account
        expect(workload.resource, ("ServiceAccount",), inventory, name=name, resolves=uses_an_account)
        # The server copies the older field into the newer one, so either names the account.
        yield Review("serviceAccountName" if workload.pod.get("serviceAccountName") else "serviceAccount")


def uses_an_account(resource: Resource, inventory: Inventory) -> bool:
    """Whether its pods name an account that was read."""
    return any(
        names_an_account(workload) and inventory.service_account_of(workload) is not None
        for workload in inventory.workloads_of(resource)
    )


@control(
    "L-0036",
    "Service accounts are in use",
    problem="Service account without use",
    score=1.0,
    category="Access control",
    kinds=("ServiceAccount",),
    reads=(WORKLOADS, *RBAC_KINDS),
    see="https://kubernetes.io/docs/concepts/security/service-accounts/",
)
def unused_account(account: Resource, inventory: Inventory) -> Violations:
    """No pod runs as the service account, and no binding names it.

    It can be bound or used later without anyone noticing. Only accounts of a whole cluster, or beside workloads
    of their namespace, are judged.

    Fix: delete it, or name it in the pod that it was made for.

    Example::

        apiVersion: v1
        kind: ServiceAccount
        metadata: {name: old, namespace: shop}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop}
        spec:
          serviceAccountName: web
          containers:
          - {name: web, image: "nginx:1.27"}

    Cannot see: programs outside the cluster that hold a token of it.
    """
    if account.name == DEFAULT_ACCOUNT or inventory.has_workloads_of_account(account.namespace, account.name):
        return
    if not is_named_in_a_binding(account, inventory):
        expect(account, (WORKLOADS,), inventory, name=account.name)
        expect_no_operator(account, inventory)
        yield Review("", advice="delete it: no pod and no binding names it")


@control(
    "C-0261",
    "ServiceAccount token mounted",
    problem="Token with rights mounted",
    consequence="cluster takeover",
    score=5.0,
    reference_score=7.0,
    category="Secrets",
    reads=(*RBAC_KINDS, "ServiceAccount"),
    example=examples.token_with('apiGroups: [""], resources: [pods], verbs: [get]'),
    see="https://kubernetes.io/docs/concepts/security/service-accounts/",
)
def token_with_rights(workload: Workload, inventory: Inventory) -> Violations:
    """A token is mounted whose account holds a role.

    Most accounts can do nothing, and their tokens are worth little; this one may do something, and anyone who
    reads the file may do it too.

    Fix: switch the mount off where the program does not call the API server; else give the account the one role
    it needs.

    Cannot see: whether the program does call the Kubernetes API.
    """
    if not inventory.mounts_token(workload):
        return
    grants = [grant for grant in inventory.grants_of(workload) if grant.once(grants_anything)]
    if not grants and not inventory.holds_unread_role(workload):
        return
    if workload.pod.get("automountServiceAccountToken") is True:
        yield Review("automountServiceAccountToken")
    else:
        yield Set("automountServiceAccountToken", False)
    account = inventory.service_account_of(workload)
    if account is not None:
        yield Review("", on=account.id, advice="set automountServiceAccountToken to false on it")
    for grant in grants:
        yield Review(grant.subject_path, on=grant.binding.id)
        yield Review("roleRef.name", on=grant.binding.id)


@control(
    "L-0052",
    "Tokens of service accounts expire",
    problem="Account token that never expires",
    consequence="secrets",
    score=4.0,
    category="Access control",
    kinds=("Secret",),
    see="https://kubernetes.io/docs/concepts/security/service-accounts/#get-a-token",
)
def long_lived_token(secret: Resource) -> Violations:
    """The Secret holds a token of a service account that never expires.

    Tokens of pods last an hour and die with the pod. This one works from anywhere until the Secret is deleted, and everyone
    who may read Secrets of the namespace has it.

    Fix: delete the Secret; let programs ask for a token by the TokenRequest API, and pods use the mounted one.

    Example::

        apiVersion: v1
        kind: Secret
        metadata:
          name: web-token
          namespace: shop
          annotations: {kubernetes.io/service-account.name: web}
        type: kubernetes.io/service-account-token

    Cannot see: whether a program outside the cluster still uses it.
    """
    if secret.body.get("type") == "kubernetes.io/service-account-token":
        yield Review("type")


def is_named_in_a_binding(account: Resource, inventory: Inventory) -> bool:
    """Whether any binding gives a role to an account of this name, in whatever namespace."""
    return inventory.has(_BOUND_NAMES, (inventory.everywhere, account.name))


def has_own_account(namespace: str, inventory: Inventory) -> bool:
    """Whether there is a service account in ``namespace`` in addition to ``default``."""
    return inventory.has(_OWN_ACCOUNTS, (inventory.everywhere, namespace))


def _bound_names(filed: Filed) -> Iterator[tuple[tuple[str, str], None]]:
    for _, subject in mappings(filed.resource.body.get("subjects")):
        if subject.get("kind") == "ServiceAccount":
            yield (filed.everywhere, text(subject.get("name"))), None


def _own_accounts(filed: Filed) -> Iterator[tuple[tuple[str, str], None]]:
    account = filed.resource
    if account.name != DEFAULT_ACCOUNT:
        yield (filed.everywhere, account.namespace or DEFAULT_NAMESPACE), None


_BOUND_NAMES: Index[None] = Index(BINDINGS, _bound_names)
_OWN_ACCOUNTS: Index[None] = Index(("ServiceAccount",), _own_accounts)
