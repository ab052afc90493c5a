"""The smallest rules of a role that allow what was used of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from msgspec import Struct

from leadline.kube.access_question import Right, Rule, rights_in, texts_of
from leadline.model.resource import Resource
from leadline.scans.access.answers import rule_text

HIDDEN_VERBS = frozenset({"escalate", "bind", "approve", "sign", "attest", "use"})
"""Asked for within another request: no log shows a request for them.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#request-verb-special
"""
_CHECKED_WITHIN = frozenset({"roles", "clusterroles", "signers", "*"})
"""Resources on which every verb includes some of these."""


class Smallest(Struct, frozen=True):
    rules: tuple[tuple[Rule, ...], ...]
    """What takes the place of each rule; the very same rule where it is used as it is."""
    unused: tuple[str, ...]
    """As of ``RoleUse``."""
    unknown: tuple[str, ...]

    @property
    def all(self) -> list[Rule]:
        return [rule for rules in self.rules for rule in rules]


def rules_of(role: Resource) -> list[Rule]:
    """The rules of a role that are mappings."""
    rules = role.body.get("rules")
    return [rule for rule in rules if isinstance(rule, dict)] if isinstance(rules, list) else []


def smallest(
    rules: Sequence[Rule],
    used: Mapping[int, Collection[Right]],
    recorded: Collection[tuple[str | None, str]],
) -> Smallest:
    """``used`` by the number of the rule; ``recorded`` is every resource and page that anyone asked for.

    A right of a rule stays where it was used, a wildcard becomes what was used of it, and what no request can show stays.
    """
    made: list[tuple[Rule, ...]] = []
    unused: list[str] = []
    unknown: list[str] = []
    # Rights without a wildcard that were used and hold for every name: no wildcard is needed for them.
    elsewhere = {
        right
        for number, rule in enumerate(rules)
        for right in (rights_in(rule) if not rule.get("resourceNames") else ())
        if right in used.get(number, ())
    }
    for number, rule in enumerate(rules):
        given = list(dict.fromkeys(rights_in(rule)))
        hits = {one: [right for right in used.get(number, ()) if one.covers(right)] for one in given}
        hidden = [one for one in given if one.verb in HIDDEN_VERBS]
        idle = [one for one in given if not hits[one] and one not in hidden]
        wide = [one for one in given if hits[one] and one.is_wide and hits[one] != [one]]
        exact = [one for one in given if hits[one] and one not in wide]
        exact += (right for one in wide for right in hits[one] if right not in elsewhere)
        is_same = not idle and not wide
        made.append((rule,) if is_same else tuple(_written(rule, dict.fromkeys([*exact, *hidden]))))
        for one in _written(rule, idle):
            seen = any(right.is_on(*what) for right in rights_in(one) for what in recorded)
            mark = "" if seen else "; no request of anyone for it was recorded"
            unused.append(f"{_sentence(one)} (rules[{number}]{mark})")
        unused += (f"the rest of {_sentence(one)} (rules[{number}])" for one in _written(rule, wide))
        unknown += (f"{_sentence(one)} (rules[{number}]) is kept" for one in _written(rule, hidden))
        if any(one.verb == "*" and one.what in _CHECKED_WITHIN for one in given):
            allowed = ", ".join(sorted(HIDDEN_VERBS))
            unknown.append(f"rules[{number}] also allows {allowed} by its *, which is not kept")
    return Smallest(tuple(made), tuple(unused), tuple(unknown))


def _sentence(rule: Rule) -> str:
    return rule_text(rule).removeprefix("allows ")


def _written(rule: Rule, rights: Iterable[Right]) -> list[Rule]:
    """``rights`` as few rules, each list in the order of ``rule``, limited to the same names."""
    verbs_on: dict[tuple[str | None, str], list[str]] = defaultdict(list)
    for group, what, verb in rights:
        verbs_on[group, what].append(verb)
    resources_with: dict[tuple[str | None, tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, what), verbs in verbs_on.items():
        resources_with[group, _ordered(rule, "verbs", verbs)].append(what)
    groups_with: dict[tuple[bool, tuple[str, ...], tuple[str, ...]], list[str]] = defaultdict(list)
    for (group, in_order), whats in resources_with.items():
        key = "nonResourceURLs" if group is None else "resources"
        groups_with[group is None, _ordered(rule, key, whats), in_order].append(group or "")
    names = {"resourceNames": rule["resourceNames"]} if rule.get("resourceNames") else {}
    made: list[Rule] = []
    for (is_page, names_of_all, with_verbs), groups in groups_with.items():
        if is_page:
            made.append({"nonResourceURLs": list(names_of_all), "verbs": list(with_verbs)})
        else:
            of_groups = {
                "apiGroups": list(_ordered(rule, "apiGroups", groups)),
                "resources": list(names_of_all),
            }
            made.append({**of_groups, **names, "verbs": list(with_verbs)})
    return made


def _ordered(rule: Rule, key: str, values: Iterable[str]) -> tuple[str, ...]:
    order = texts_of(rule, key)
    return tuple(sorted(set(values), key=lambda one: (order.index(one) if one in order else len(order), one)))
