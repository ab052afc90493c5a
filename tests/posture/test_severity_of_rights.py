"""One right has one severity, wherever it is reported."""

import re
from pathlib import Path
from typing import Any

import pytest

from leadline.model.control import SEVERITIES, severity_of
from leadline.model.resource import Origin, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge

PAGE = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "severity.md"
ROWS = re.findall(
    r"^\| ([\w*]+) ([\w./*]+) \| (everywhere|kube-system|shop) \| (\w+) \| ([CL0-9, -]+) \|$",
    PAGE.read_text(),
    re.M,
)
CONTROLS = [one for one in load_controls() if one.check is not None and "takeover" in one.consequence]
RIGHTS = [*CONTROLS, *(one for one in load_controls() if one.id in ("C-0015", "C-0186", "C-0278"))]


def test_the_page_has_a_table():
    assert len(ROWS) >= 15


def objects(verb: str, resource: str, where: str) -> list[dict[str, Any]]:
    name, _, group = resource.partition(".")
    namespace = "shop" if where == "everywhere" else where
    api = "rbac.authorization.k8s.io"
    binding = "ClusterRoleBinding" if where == "everywhere" else "RoleBinding"
    role = {
        "apiVersion": f"{api}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "r"},
        "rules": [{"apiGroups": ["*" if name == "*" else group], "resources": [name], "verbs": [verb]}],
    }
    bound = {
        "apiVersion": f"{api}/v1",
        "kind": binding,
        "metadata": {"name": "b"} if where == "everywhere" else {"name": "b", "namespace": namespace},
        "roleRef": {"apiGroup": api, "kind": "ClusterRole", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "web", "namespace": namespace}],
    }
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "web", "namespace": namespace},
    }
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {
            "serviceAccountName": "web",
            "containers": [{"name": "web", "image": "registry.example/web:1"}],
        },
    }
    return [role, bound, account, pod]


@pytest.mark.parametrize(("verb", "resource", "where", "severity", "said_by"), ROWS)
def test_a_right_has_the_severity_of_the_page(verb, resource, where, severity, said_by):
    bodies = objects(verb, resource, where)
    resources = [resource_of(body, Origin(path=f"{n}.yaml")) for n, body in enumerate(bodies)]
    known = {one.id: one for one in RIGHTS}
    # One subject, and one workload with its token: each control has one severity for what it finds.
    scores = {one.control: one.control_of(known).score for one in judge(resources, RIGHTS).findings}
    assert severity_of(max(scores.values())) == severity
    gravest = {id for id, score in scores.items() if severity_of(score) == severity}
    assert gravest >= set(said_by.split(", ")), (gravest, SEVERITIES)
