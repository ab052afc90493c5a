"""The table of Falco's rules in the documentation: every one is there, and covered by the rules that say so."""

import re
from pathlib import Path

from leadline.runtime.catalogue import all_rules

TEXT = (Path(__file__).parents[3] / "docs" / "detections.md").read_text("utf-8")
ROWS = [
    tuple(part.strip() for part in line.strip("|").split("|"))
    for line in TEXT.splitlines()
    if re.search(r"\| (?:stable|incubating|sandbox) \|", line)
]
IDS = re.compile(r"RL?\d+(?:, RL?\d+)*")


def test_all_of_falcos_rules_are_in_the_table():
    counts = {
        name: sum(maturity == name for _, maturity, _ in ROWS) for name in ("stable", "incubating", "sandbox")
    }
    assert counts == {"stable": 25, "incubating": 31, "sandbox": 37}
    assert len({name for name, _, _ in ROWS}) == 93


def test_the_table_and_the_rules_say_the_same():
    claimed: dict[str, list[str]] = {}
    for rule in all_rules():
        for name in rule.falco:
            claimed.setdefault(name, []).append(rule.id)
    table = {name: here.split(", ") for name, _, here in ROWS if IDS.fullmatch(here)}
    assert table == claimed


def test_what_is_not_covered_says_why():
    others = [here for _, _, here in ROWS if not IDS.fullmatch(here)]
    assert all(here.startswith(("not covered: ", "before it starts: ")) for here in others)
    assert all(IDS.fullmatch(here) for _, maturity, here in ROWS if maturity == "stable")


def test_every_rule_that_is_off_is_named():
    off = [rule.id for rule in all_rules() if not rule.is_on]
    assert [
        id for id in off if id not in TEXT.partition("Off unless asked for")[2].partition("\n## ")[0]
    ] == []
