"""What a long list is begun with: the same objects, in the same order, as a terminal shows under "fix first"."""

import json
from pathlib import Path

import pytest

import leadline

SHOP = Path(__file__).parents[2] / "examples" / "shop"


@pytest.fixture(scope="module")
def report():
    return leadline.scan(SHOP)


def first_on_terminal(report) -> list[str]:
    lines = leadline.render(report, "pretty", width=200).splitlines()
    at = lines.index("fix first")
    return [line.split()[1] for line in lines[at + 1 : at + 6]]


def test_sarif_marks_what_a_terminal_says_to_fix_first(report):
    results = json.loads(leadline.render(report, "sarif"))["runs"][0]["results"]
    marked = {
        one["properties"]["fixFirst"]: one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]
        for one in results
        if "fixFirst" in one["properties"]
    }
    assert [marked[number] for number in sorted(marked)] == first_on_terminal(report)
    assert all(0 <= one.get("rank", 0) <= 100 for one in results)


def test_entries_and_steps_of_paths_are_marked(report):
    results = json.loads(leadline.render(report, "sarif"))["runs"][0]["results"]
    roles = {
        (one["ruleId"], one["properties"]["attackRole"], one["properties"]["attackPath"])
        for one in results
        if "attackRole" in one["properties"]
    }
    assert ("C-0057", "path", "any pod → agent → privileged container") in roles
    assert ("C-0256", "entry", "internet → Service web → web") in roles


@pytest.mark.parametrize("format", ["code-quality", "gitlab-sast"])
def test_gitlab_is_told_the_same(report, format: str):
    text = leadline.render(report, format)
    assert "fix first, 1 of 5; on the path any pod → agent → privileged container" in text
    assert "entry of the path internet → Service web → web" in text
