"""Pods in the order of what an attacker in them gets of the node, as the page on ranks has it."""

import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from test_risk import BINDING, ROLE, TOKEN, body, policed, ranks, web

PAGE = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "risk.md"
ROWS = re.findall(r"^\| (\d) \| (.+?) \| (.+?) \| ([\d.]+) \|$", PAGE.read_text(), re.M)
DANGERS: dict[str, dict[str, Any]] = {
    "privileged container": {"privileged": True},
    "folder `/` of the node": {"hostPath": "/"},
    "capability `SYS_ADMIN`": {"add": "SYS_ADMIN"},
    "credential in plain text": {"env": [{"name": "DB_PASSWORD", "value": "hunter2-correct-horse"}]},
    "processes of the node (`hostPID`)": {"hostPID": True},
    "network of the node (`hostNetwork`)": {"hostNetwork": True},
    "IPC of the node (`hostIPC`)": {"hostIPC": True},
    "none of these": {},
}


def pod(name: str, *dangers: str, **container: Any) -> dict[str, Any]:
    made = web()
    made["metadata"]["name"] = name
    spec = made["spec"]["template"]["spec"]
    context = spec["containers"][0]["securityContext"]
    for danger in dangers:
        for field, value in DANGERS[danger].items():
            match field:
                case "privileged":
                    context["privileged"] = True
                    context.pop("allowPrivilegeEscalation", None)
                case "add":
                    context["capabilities"] = {"drop": ["ALL"], "add": [value]}
                case "hostPath":
                    spec["volumes"] = [{"name": "v", "hostPath": {"path": value}}]
                    spec["containers"][0]["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
                case "env":
                    spec["containers"][0]["env"] = value
                case _:
                    spec[field] = value
    context |= container
    return made


ROOT = {"runAsUser": 0, "runAsNonRoot": False, "allowPrivilegeEscalation": True}
NAMES = [danger for _, danger, _, _ in ROWS]


def test_the_page_names_every_danger_in_order():
    assert list(DANGERS) == NAMES


def scores(*sets: tuple[str, ...]) -> list[float]:
    found = ranks(*(pod(f"p{number}", *dangers, **ROOT) for number, dangers in enumerate(sets)))
    return [found[f"p{number}"].score for number in range(len(sets))]


def test_single_dangers_rank_in_the_order_of_the_page():
    found = scores(*((name,) for name in NAMES))
    assert found == sorted(found, reverse=True)
    assert len(set(found)) == len(found), found


@pytest.mark.parametrize("pair", list(combinations(NAMES[:-1], 2)), ids=" and ".join)
def test_a_pair_ranks_above_each_of_its_own_and_below_the_next_tier(pair: tuple[str, str]):
    worst, other, both = scores((pair[0],), (pair[1],), pair)
    assert both > worst > other
    tiers = {name: tier for tier, name, _, _ in ROWS}
    above = [name for name in NAMES if tiers[name] < tiers[pair[0]]]
    if above:
        assert both < scores((above[-1],))[0]


def test_pairs_rank_by_the_greater_and_then_by_the_other():
    pairs = list(combinations(NAMES[:-1], 2))
    found = dict(zip(pairs, scores(*pairs), strict=True))
    for first, second in combinations(pairs, 2):
        if first[0] == second[0]:
            assert found[first] > found[second], (first, second)


def test_everything_ranks_first():
    everything, *pairs = scores(tuple(NAMES[:-1]), *combinations(NAMES[:-1], 2))
    assert everything > max(pairs)


@pytest.mark.parametrize("other", [name for tier, name, _, _ in ROWS if tier in "346"])
def test_a_port_on_the_network_of_the_node_lifts_no_pod_above_the_root_of_the_node(other: str):
    nearer = pod("nearer", "network of the node (`hostNetwork`)", other, **ROOT)
    nearer["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 8080}]
    found = ranks(nearer, pod("root", NAMES[0], **ROOT))
    assert found["nearer"].reach > found["root"].reach
    assert found["root"].score > found["nearer"].score


@pytest.mark.parametrize("danger", [name for name in NAMES[:-1] if name != "credential in plain text"])
def test_who_can_never_be_root_gets_less_of_the_node(danger: str):
    as_root = ranks(pod("a", danger, **ROOT))["a"]
    never = ranks(pod("a", danger))["a"]
    assert never.impact < as_root.impact


def test_an_agent_without_power_ranks_below_an_operator_that_owns_the_cluster():
    agent = pod("agent", "processes of the node (`hostPID`)", "network of the node (`hostNetwork`)")
    agent["spec"]["template"]["spec"]["containers"][0]["ports"] = [{"containerPort": 9100}]
    operator = web(**TOKEN)
    found = ranks(
        agent,
        operator,
        policed(),
        body(ROLE % ("s", "", "secrets", "list")),
        body(BINDING % ("ClusterRoleBinding", "s")),
    )
    assert found["web"].score > found["agent"].score
