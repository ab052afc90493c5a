"""Which service accounts are in use, and which namespaces have their own."""

from collections.abc import Iterator

from leadline.kube.rbac import RBAC_KINDS
from leadline.model.resource import Resource
from leadline.posture.apply_unit import DEFAULT_NAMESPACE
from leadline.posture.index import Filed, Index
from leadline.posture.inventory import DEFAULT_ACCOUNT, Inventory
from leadline.posture.subject import mappings, text


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


_BOUND_NAMES: Index[None] = Index(RBAC_KINDS[2:], _bound_names)
_OWN_ACCOUNTS: Index[None] = Index(("ServiceAccount",), _own_accounts)
