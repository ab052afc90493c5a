"""Every flaw that a scanner of its kind finds rightly is found, by the control that should."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadline.model.finding import Finding
from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import Judge
from leadline.posture.inventory import Facts
from leadline.posture.worlds import Worlds

FOLDER = Path(__file__).parent / "planted"
FLAWS = [
    flaw for name in ("pods", "objects") for flaw in yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
]
LEAST_FLAWS = 150
LISTED = {"C-0209"}
"""What a whole cluster holds, for a person to go through: no flaw."""
CONTROLS = [control for control in load_controls() if control.check]
RBAC = "rbac.authorization.k8s.io"
Body = dict[str, Any]


def base() -> list[Body]:
    return list(yaml.safe_load_all((FOLDER / "base.yaml").read_text()))


def found_in(bodies: list[Body], *, is_whole: bool = False) -> tuple[Finding, ...]:
    resources = [resource_of(body, Origin(path="shop.yaml", document=i)) for i, body in enumerate(bodies)]
    facts = Facts(assume_complete=is_whole)
    return Judge(CONTROLS, facts=facts).everything(Worlds(resources, facts)).findings


def merged(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def with_flaw(flaw: Body) -> list[Body]:
    bodies = [one for one in base() if called(one) not in flaw.get("drop", ())]
    template = {**flaw.get("template", {}), **({"spec": flaw["pod"]} if "pod" in flaw else {})}
    for name, patch in (
        ("Deployment/web", {"spec": {"template": template}}),
        (flaw.get("object"), flaw.get("merge")),
    ):
        bodies = [merged(one, patch) if patch and called(one) == name else one for one in bodies]
    for one in bodies:
        if called(one) == "Deployment/web" and "container" in flaw:
            containers = one["spec"]["template"]["spec"]["containers"]
            containers[0] = merged(containers[0], flaw["container"])
    return [*bodies, *flaw.get("add", ()), *role_of(flaw.get("rules")), *binding_of(flaw.get("bind"))]


def called(body: Body) -> str:
    return f"{body['kind']}/{body['metadata']['name']}"


def role_of(rule: Body | None) -> list[Body]:
    """A role with one rule, bound to no one."""
    if rule is None:
        return []
    metadata = {"name": "r", **({"namespace": rule.get("in", "shop")} if rule["kind"] == "Role" else {})}
    asked = {key: value for key, value in rule.items() if key not in ("kind", "in")}
    return [{"apiVersion": f"{RBAC}/v1", "kind": rule["kind"], "metadata": metadata, "rules": [asked]}]


def binding_of(bind: Body | None) -> list[Body]:
    if bind is None:
        return []
    kind = "RoleBinding" if "in" in bind else "ClusterRoleBinding"
    return [
        {
            "apiVersion": f"{RBAC}/v1",
            "kind": kind,
            "metadata": {"name": "b", **({"namespace": bind["in"]} if "in" in bind else {})},
            "roleRef": {"apiGroup": RBAC, "kind": bind["kind"], "name": bind["name"]},
            "subjects": [
                {**({} if bind["to"]["kind"] == "ServiceAccount" else {"apiGroup": RBAC}), **bind["to"]}
            ],
        }
    ]


@cache
def controls_of(name: str) -> frozenset[str]:
    flaw = next(one for one in FLAWS if one["flaw"] == name)
    return frozenset(finding.control for finding in found_in(with_flaw(flaw), is_whole="whole" in flaw))


def test_the_shop_without_a_flaw_has_no_finding():
    assert found_in(base()) == ()
    assert {finding.control for finding in found_in(base(), is_whole=True)} <= LISTED


def test_the_set_is_all_there():
    assert len(FLAWS) >= LEAST_FLAWS
    assert len({flaw["flaw"] for flaw in FLAWS}) == len(FLAWS)
    assert all(flaw["peers"] for flaw in FLAWS)


@pytest.mark.parametrize("flaw", FLAWS, ids=lambda flaw: flaw["flaw"])
def test_a_planted_flaw_is_found_by_the_controls_that_ask_for_it(flaw):
    wanted = set(flaw["found"])
    assert wanted <= controls_of(flaw["flaw"])
