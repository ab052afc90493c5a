"""``leadline access`` against a real API server: the answer is that of SubjectAccessReview."""

import json
from typing import Any

import pytest
from control_plane import ControlPlane

from leadline.programs.cli.main import main

pytestmark = pytest.mark.slow


def asked(capfd: pytest.CaptureFixture[str], kubeconfig: str, *words: str) -> dict[str, Any]:
    assert main(["access", *words, "--kubeconfig", kubeconfig, "--quiet", "-f", "json"]) == 0
    answer: dict[str, Any] = json.loads(capfd.readouterr().out)
    return answer


def test_a_cluster_is_asked(api_server: ControlPlane, capfd: pytest.CaptureFixture[str]) -> None:
    space = api_server.namespace("asked")
    api_server.kubectl("create", "role", "r", "-n", space, "--verb=patch", "--resource=cronjobs")
    api_server.kubectl("create", "rolebinding", "b", "-n", space, "--role=r", f"--serviceaccount={space}:api")
    api_server.kubectl("create", "rolebinding", "stale", "-n", space, "--role=gone", "--user=bob")
    answer = asked(capfd, api_server.admin(), "who-can", "patch", "cronjobs")
    subjects = {(one["subject"]["name"], one["namespace"]) for one in answer["found"]}
    assert ("api", space) in subjects
    assert ("system:masters", "") in subjects
    assert ("cronjob-controller", "") not in subjects  # it updates
    assert answer["isComplete"]
    assert f"{space}/RoleBinding/stale gives Role/gone, which does not exist" in answer["givesNothing"]


def test_what_may_not_be_listed_makes_it_at_least_these(
    api_server: ControlPlane, capfd: pytest.CaptureFixture[str]
) -> None:
    api_server.kubectl(
        "create", "clusterrole", "access-half", "--verb=list", "--resource=clusterroles,clusterrolebindings"
    )
    api_server.kubectl(
        "create", "clusterrolebinding", "access-half", "--clusterrole=access-half", "--user=half"
    )
    answer = asked(capfd, api_server.user("half"), "who-can", "get", "secrets")
    assert not answer["isComplete"]
    assert {"rolebindings.rbac.authorization.k8s.io", "roles.rbac.authorization.k8s.io"} <= {
        one["where"] for one in answer["notRead"]
    }
