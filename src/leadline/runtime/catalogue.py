"""All rules that come with the product."""

from collections.abc import Collection
from functools import cache

from leadline.discover import discover
from leadline.runtime import rules
from leadline.runtime.needs import ADMISSION
from leadline.runtime.rule import Rule


@cache
def all_rules() -> tuple[Rule, ...]:
    """By id."""
    return tuple(sorted(discover(rules, Rule), key=lambda one: one.id))


def blind_rules(working: Collection[str]) -> dict[str, tuple[str, ...]]:
    """The rules of the node that see nothing with these probes alone, each with what it lacks."""
    of_node = (one for one in all_rules() if ADMISSION not in one.needs)
    lacks = {one.id: tuple(name for name in one.needs if name not in working) for one in of_node}
    return {id: missing for id, missing in lacks.items() if missing}
