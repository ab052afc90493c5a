"""What a workload may do with the service account token that is mounted into it."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from leadline.kube.bootstrap import grants_only_public_facts
from leadline.kube.rbac import Grant
from leadline.kube.role_rules import Ask, has_no_namespace
from leadline.model.control import Remove, Review, Violations
from leadline.posture.inventory import Inventory
from leadline.posture.subject import Workload, sequence

_NAMED_RULES = 3


def token_of(
    workload: Workload, inventory: Inventory, is_dangerous: Callable[[Grant], bool]
) -> Iterator[Grant]:
    """The dangerous grants that an attacker who takes over the workload holds through its mounted token."""
    if inventory.mounts_token(workload):
        yield from (grant for grant in inventory.grants_of(workload) if grant.once(is_dangerous))


def evidence_of(grant: Grant, asked: Iterable[Ask]) -> Violations:
    """Where a workload's right to what is ``asked`` comes from. A group holds others too, so that only a person can take it out."""
    if grant.kind == "Group":
        yield Review(grant.subject_path, on=grant.binding.id)
    else:
        yield Remove(grant.subject_path, on=grant.binding.id)
    if grant.role.origin.kind != "derived":
        yield Review("", on=grant.role.id, advice=_narrowed(grant, asked))


def _narrowed(grant: Grant, asked: Iterable[Ask]) -> str:
    """``narrow rules[0]``: what of the role gives the right."""
    paths = (path for question in asked for match in grant.matching(question) for path in match.paths)
    rules = dict.fromkeys(path.partition(".")[0] for path in paths)
    return f"narrow {', '.join(islice(rules, _NAMED_RULES))}" if rules else "narrow it"


def grants_anything(grant: Grant) -> bool:
    """Whether the role lets its holder do what not everyone may: PodSecurityPolicies, which are gone, say nothing."""
    return any(_is_effective(rule, grant.is_cluster_wide) for rule in grant.rules.all)


def _is_effective(rule: dict[str, Any], is_cluster_wide: bool) -> bool:
    if not sequence(rule.get("verbs")) or grants_only_public_facts([rule]):
        return False
    if is_cluster_wide and sequence(rule.get("nonResourceURLs")):
        return True
    resources = {name for name in sequence(rule.get("resources")) if isinstance(name, str)}
    if _POLICY_GROUPS.issuperset(map(str, sequence(rule.get("apiGroups")))):
        resources.discard("podsecuritypolicies")
    return any(is_cluster_wide or not has_no_namespace(one) for one in resources)


_POLICY_GROUPS = frozenset({"policy", "extensions"})
