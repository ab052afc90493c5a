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


def test_a_user_of_some_namespaces_is_answered_about_these(
    api_server: ControlPlane, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without the right to list all bindings, those namespaces are read where the user may list them."""
    spaces = [api_server.namespace(f"some-{i}") for i in range(3)]
    api_server.kubectl("create", "clusterrole", "some-spaces", "--verb=list,get", "--resource=namespaces")
    api_server.kubectl(
        "create", "clusterrolebinding", "some-spaces", "--clusterrole=some-spaces", "--user=some"
    )
    for space in spaces:
        api_server.kubectl("create", "role", "r", "-n", space, "--verb=get", "--resource=secrets")
        api_server.kubectl("create", "rolebinding", "b", "-n", space, "--role=r", "--user=alice")
    for space in spaces[:2]:
        api_server.kubectl(
            "create", "role", "read", "-n", space, "--verb=list", "--resource=roles,rolebindings"
        )
        api_server.kubectl("create", "rolebinding", "read", "-n", space, "--role=read", "--user=some")
    user = api_server.user("some")
    words = ("access", "who-can", "get", "secrets", "--kubeconfig", user, "-q")
    api_server.until(lambda: main([*words, "-n", "some-0"]) == main([*words, "-n", "some-1"]) == 0)
    capfd.readouterr()
    answer = asked(capfd, user, "who-can", "get", "secrets")
    assert {one["namespace"] for one in answer["found"] if one["subject"]["name"] == "alice"} == {
        "some-0",
        "some-1",
    }
    number = len(api_server.kubectl("get", "namespaces", "-o", "name").split())
    assert answer["scope"] == f"2 of {number} namespaces"
    assert not answer["isComplete"]
    assert "clusterrolebindings.rbac.authorization.k8s.io" in {one["where"] for one in answer["notRead"]}


def test_a_user_who_may_not_list_namespaces_is_answered_about_that_of_the_context(
    api_server: ControlPlane, capfd: pytest.CaptureFixture[str]
) -> None:
    api_server.kubectl(
        "create", "role", "own", "-n", "default", "--verb=list", "--resource=roles,rolebindings"
    )
    api_server.kubectl("create", "rolebinding", "own", "-n", "default", "--role=own", "--user=own")
    user = api_server.user("own")
    api_server.until(lambda: main(["access", "who-can", "list", "roles", "--kubeconfig", user, "-q"]) == 0)
    capfd.readouterr()
    assert main(["access", "who-can", "list", "roles", "--kubeconfig", user, "-q"]) == 0
    assert "no more than namespace default could be read" in capfd.readouterr().out
