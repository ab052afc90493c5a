"""Which namespaces have a network policy."""

from leadline.posture.inventory import Inventory
from leadline.posture.subject import Namespace


def has_network_policy(namespace: Namespace, inventory: Inventory) -> bool:
    """Whether a policy isolates pods of the namespace: one for all of them, or one that selects some that are here."""
    labels = inventory.namespace_labels(namespace.name)
    for rule in inventory.policies_in(namespace.name):
        if not (rule.isolates_ingress or rule.isolates_egress):
            continue
        if rule.selects_namespace is not None and not rule.selects_namespace(labels):
            continue
        if rule.selects_all or inventory.selects_any_pod(namespace.name, rule.pairs, rule.selects):
            inventory.rest_on(rule.policy)
            return True
    return False
