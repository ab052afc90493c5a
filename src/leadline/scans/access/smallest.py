"""The smallest rules of a role that allow what was used of it."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from leadline.kube.access_question import texts_of
from leadline.model.resource import Resource
from leadline.scans.access.answers import rule_text

HIDDEN_VERBS = frozenset({"escalate", "bind", "approve", "sign", "attest", "use"})
"""Asked for within another request: no log shows a request for them.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authorization/#request-verb-special
"""
_CHECKED_WITHIN = frozenset({"roles", "clusterroles", "signers", "*"})
"""Resources on which every verb includes some of these."""
Rule = dict[str, Any]


class Right(NamedTuple):
    """One verb on one resource or page, as a rule writes it or as a request used it."""

    group: str | None
    """``None`` for a page of the server."""
    what: str
    verb: str

    def covers(self, other: "Right") -> bool:
        """Whether a rule with this right allows ``other``."""
        return self.verb in ("*", other.verb) and self.is_on(other.group, other.what)

    def is_on(self, group: str | None, what: str) -> bool:
        """Whether it is a right on this resource or page."""
        if (self.group is None) != (group is None):
            return False
        if self.group is None:
            return self.what == what or (self.what.endswith("*") and what.startswith(self.what.rstrip("*")))
        tail = self.what.removeprefix("*/") if self.what.startswith("*/") else ""
        is_named = self.what in ("*", what) or (bool(tail) and what.partition("/")[2] == tail)
        return is_named and self.group in ("*", group)

    @property
    def is_wide(self) -> bool:
        return self.verb == "*" or self.group == "*" or "*" in self.what


class Smallest(Struct, frozen=True):
    rules: tuple[Rule, ...]
    """Rules that are used as they are stay the very same."""
    unused: tuple[str, ...]
    """As of ``RoleUse``."""
    unknown: tuple[str, ...]


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
    kept: list[Rule] = []
    unused: list[str] = []
    unknown: list[str] = []
    elsewhere = set(_kept_as_written(rules, used))
    for number, rule in enumerate(rules):
        given = list(dict.fromkeys(_rights(rule)))
        here = used.get(number, ())
        hits = {one: [right for right in here if one.covers(right)] for one in given}
        hidden = [one for one in given if one.verb in HIDDEN_VERBS]
        idle = [one for one in given if not hits[one] and one not in hidden]
        wide = [one for one in given if hits[one] and one.is_wide and hits[one] != [one]]
        place = f"rules[{number}]"
        if not idle and not wide:
            kept.append(rule)
        else:
            exact = [one for one in given if hits[one] and one not in wide]
            exact += (right for one in wide for right in hits[one] if right not in elsewhere)
            kept += _written(rule, dict.fromkeys([*exact, *hidden]))
        for one in _written(rule, idle):
            seen = any(right.is_on(*what) for right in _rights(one) for what in recorded)
            mark = "" if seen else "; no request of anyone for it was recorded"
            unused.append(f"{_sentence(one)} ({place}{mark})")
        unused += (f"the rest of {_sentence(one)} ({place})" for one in _written(rule, wide))
        unknown += (f"{_sentence(one)} ({place}) is kept" for one in _written(rule, hidden))
        if any(one.verb == "*" and one.what in _CHECKED_WITHIN for one in given):
            unknown.append(
                f"{place} also allows {', '.join(sorted(HIDDEN_VERBS))} by its *, which is not kept"
            )
    return Smallest(tuple(kept), tuple(unused), tuple(unknown))


def _kept_as_written(rules: Sequence[Rule], used: Mapping[int, Collection[Right]]) -> Iterator[Right]:
    """Rights without a wildcard that were used and hold for every name: no wildcard is needed for them."""
    for number, rule in enumerate(rules):
        here = used.get(number, ())
        yield from (one for one in _rights(rule) if one in here and not rule.get("resourceNames"))


def _rights(rule: Rule) -> Iterator[Right]:
    verbs, groups, resources, urls = (
        [text for _, text in texts_of(rule, key)]
        for key in ("verbs", "apiGroups", "resources", "nonResourceURLs")
    )
    for verb in verbs:
        yield from (Right(group, resource, verb) for group in groups for resource in resources)
        yield from (Right(None, url, verb) for url in urls)


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
    return [
        {"nonResourceURLs": list(whats), "verbs": list(verbs)}
        if is_page
        else {
            "apiGroups": list(_ordered(rule, "apiGroups", groups)),
            "resources": list(whats),
            **names,
            "verbs": list(verbs),
        }
        for (is_page, whats, verbs), groups in groups_with.items()
    ]


def _ordered(rule: Rule, key: str, values: Iterable[str]) -> tuple[str, ...]:
    order = [text for _, text in texts_of(rule, key)]
    return tuple(sorted(set(values), key=lambda one: (order.index(one) if one in order else len(order), one)))
