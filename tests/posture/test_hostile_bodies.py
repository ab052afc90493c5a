"""No control may raise, whatever stands where a field is expected."""

import copy
import random
from typing import Any

import pytest
from control_fixtures import fixtures_of
from ways_to_pods import OBJECTS as WAYS

from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.posture.inventory import Facts
from leadline.posture.risk.ranking import risk_of
from leadline.posture.worlds import Worlds

CONTROLS = load_controls()
ODD = [
    None,
    True,
    False,
    0,
    -1,
    1e308,
    float("nan"),
    "",
    "x",
    "\x00",
    "9" * 40,
    [],
    {},
    [[]],
    [None],
    [1],
    {"a": None},
    {"": {}},
    [{}],
]
SEEDS = range(4)


def bodies() -> list[dict[str, Any]]:
    return [
        d
        for control in CONTROLS
        for fixture in fixtures_of(control)
        for d in fixture.documents
        if isinstance(d, dict)
    ]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [path, *(p for k, v in value.items() for p in places(v, (*path, k)))]
    if isinstance(value, list):
        return [path, *(p for i, v in enumerate(value) for p in places(v, (*path, i)))]
    return [path]


def spoiled(body: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    body = copy.deepcopy(body)
    for _ in range(chance.randint(1, 4)):
        path = chance.choice([p for p in places(body) if p and p not in (("apiVersion",), ("kind",))] or [()])
        if not path:
            break
        parent: Any = body
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = copy.deepcopy(chance.choice(ODD))
    return body


@pytest.mark.parametrize("seed", SEEDS)
def test_no_control_raises_on_spoiled_objects(seed):
    chance = random.Random(seed)
    resources = [resource_of(spoiled(b, chance), Origin(path=f"{i}.yaml")) for i, b in enumerate(bodies())]
    settings = {
        name: tuple(value) or ("x",) for control in CONTROLS for name, value in control.settings.items()
    }
    judgement = judge(resources, CONTROLS, settings=settings, facts=Facts(server_version="v1.24.0"))
    assert [u for u in judgement.unread if "fault in the control" in u.why] == []
    assert judgement.findings


@pytest.mark.parametrize("seed", SEEDS)
def test_no_rank_raises_on_spoiled_objects(seed):
    chance = random.Random(seed)
    failed = tuple(control.facts for control in CONTROLS if control.id in ("C-0012", "C-0057"))
    found = [*bodies(), *WAYS * 20]
    for first in range(0, len(found), 50):
        part = [resource_of(spoiled(one, chance)) for one in found[first : first + 50]]
        worlds = Worlds(part, Facts(is_whole=True))
        for one in worlds.resources:
            risk_of(one, worlds.around(one), failed)
