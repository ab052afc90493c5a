"""All rules that come with the product."""

from collections.abc import Collection
from functools import cache

from leadline.discover import discover
from leadline.runtime import rules
from leadline.runtime.needs import UNFED
from leadline.runtime.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """By id."""
    return tuple(sorted(discover(rules, Rule), key=lambda one: one.id))


def blind_rules(working: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The rules that see nothing with these probes alone, each with what it lacks."""
    lacks = {
        one.id: (UNFED[one.event],)
        if one.event in UNFED
        else tuple(name for name in one.needs if name not in working)
        for one in all_rules()
    }
    return {id: missing for id, missing in lacks.items() if missing}
