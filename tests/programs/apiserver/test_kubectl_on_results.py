"""What people do with kubectl, on a real cluster, through its aggregation layer."""

import json
import subprocess
from typing import Any

import pytest
from asgi import summary
from extension import Extension
from kube_watch import Watcher

pytestmark = pytest.mark.cluster
PLURAL = "workloadconfigurationscansummaries"


def text(name: str, critical: int = 1, **labels: str) -> str:
    return json.dumps(summary(name, critical, **labels))


def failing(extension: Extension, *arguments: str, content: str | None = None) -> str:
    """What kubectl says on standard error; it must fail."""
    command = ["kubectl", f"--kubeconfig={extension.admin()}", *arguments]
    run = subprocess.run(command, input=content, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode != 0
    return run.stderr


def read(extension: Extension, namespace: str, name: str) -> Any:
    return json.loads(extension.kubectl("-n", namespace, "get", PLURAL, name, "-o", "json"))


def test_all_kinds_are_known_and_explained(extension: Extension):
    listed = extension.kubectl(
        "api-resources", "--api-group=spdx.softwarecomposition.kubescape.io", "-o", "name"
    )
    assert len(listed.split()) == 16
    assert "KIND:       ScanRun" in extension.kubectl("explain", "scanruns.status")
    explained = extension.kubectl("explain", f"{PLURAL}.spec.severities")
    assert "How many controls failed, by severity." in explained
    older = extension.kubectl("explain", f"{PLURAL}.spec", "--output=plaintext-openapiv2")
    assert "What a scan found" in older


def test_apply_changes_what_changed_and_nothing_else(extension: Extension):
    space = extension.namespace("applying")
    apply = ("-n", space, "apply", "-f", "-")
    assert "created" in extension.kubectl(*apply, content=text("web"))
    assert "unchanged" in extension.kubectl(*apply, content=text("web"))
    assert "configured" in extension.kubectl(*apply, content=text("web", 2, app="x"))
    assert "configured" in extension.kubectl(*apply, content=text("web", 2))
    found = read(extension, space, "web")
    assert found["spec"]["severities"]["critical"] == 2
    assert found["metadata"]["labels"] == {}
    assert extension.kubectl("-n", space, "diff", "-f", "-", content=text("web", 2)) == ""


def test_tables_show_severities(extension: Extension):
    space = extension.namespace("tables")
    extension.kubectl("-n", space, "create", "-f", "-", content=text("web", 7))
    lines = extension.kubectl("get", PLURAL, "-A").splitlines()
    assert lines[0].split() == ["NAMESPACE", "NAME", "CRITICAL", "HIGH", "MEDIUM", "LOW", "SCANNED", "AGE"]
    assert [space, "web", "7", "2", "0", "0"] in [line.split()[:6] for line in lines]
    assert "CONTROLS" in extension.kubectl("-n", space, "get", PLURAL, "-o", "wide")
    assert "Critical:  7" in extension.kubectl("-n", space, "describe", PLURAL, "web")


def test_lists_are_selected_sorted_and_paged(extension: Extension):
    space = extension.namespace("paging")
    for number in range(5):
        content = text(f"a{number}", number, app="web" if number % 2 else "db")
        extension.kubectl("-n", space, "create", "-f", "-", content=content)
    get = ("-n", space, "get", PLURAL, "-o", "name")
    assert len(extension.kubectl(*get, "--chunk-size=2").split()) == 5
    assert len(extension.kubectl(*get, "-l", "app=web").split()) == 2
    assert len(extension.kubectl(*get, "--field-selector", "metadata.name=a3").split()) == 1
    table = extension.kubectl("-n", space, "get", PLURAL, "--sort-by={.metadata.labels.app}", "--no-headers")
    assert [line.split()[0] for line in table.splitlines()] == ["a0", "a2", "a4", "a1", "a3"]


def test_patches_of_kubectl(extension: Extension):
    space = extension.namespace("patching")
    extension.kubectl("-n", space, "create", "-f", "-", content=text("web"))
    patch = ("-n", space, "patch", PLURAL, "web")
    extension.kubectl(*patch, "--type=merge", "-p", '{"spec":{"severities":{"low":3}}}')
    extension.kubectl(
        *patch, "--type=json", "-p", '[{"op":"replace","path":"/spec/severities/high","value":4}]'
    )
    extension.kubectl("-n", space, "label", PLURAL, "web", "a=b")
    extension.kubectl("-n", space, "annotate", PLURAL, "web", "kubescape.io/status=ready")
    found = read(extension, space, "web")
    assert (found["spec"]["severities"]["low"], found["spec"]["severities"]["high"]) == (3, 4)
    assert found["metadata"]["labels"] == {"a": "b"}
    strategic = failing(extension, *patch, "-p", "{}")
    assert "application/strategic-merge-patch+json is not supported" in strategic


def test_a_stale_replace_is_refused(extension: Extension):
    space = extension.namespace("replacing")
    extension.kubectl("-n", space, "create", "-f", "-", content=text("web"))
    old = json.dumps(read(extension, space, "web"))
    extension.kubectl("-n", space, "label", PLURAL, "web", "a=b")
    assert "the object has been modified" in failing(
        extension, "-n", space, "replace", "-f", "-", content=old
    )


def test_fields_that_do_not_exist_and_types_that_do_not_fit_are_named(extension: Extension):
    space = extension.namespace("validating")
    create = ("-n", space, "create", "-f", "-")
    misspelt = text("web").replace('"high"', '"hihg"')
    assert "hihg" in failing(extension, *create, content=misspelt)
    wrong = text("web").replace('"high": 2', '"high": "two"')
    assert "spec.severities.high" in failing(extension, *create, content=wrong)
    assert extension.kubectl("-n", space, "get", PLURAL, "-o", "name") == ""


def test_server_side_apply_takes_over_what_was_applied_before(extension: Extension):
    space = extension.namespace("owning")
    extension.kubectl("-n", space, "apply", "-f", "-", content=text("web", 1, one="1", two="2"))
    apply = ("-n", space, "apply", "--server-side", "-f", "-")
    extension.kubectl(*apply, content=text("web", 2, one="1"))
    found = read(extension, space, "web")
    assert found["spec"]["severities"]["critical"] == 2
    assert found["metadata"]["labels"] == {"one": "1"}
    other = (*apply, "--field-manager=other")
    assert 'conflicts with "kubectl"' in failing(extension, *other, content=text("web", 9))
    extension.kubectl(*other, "--force-conflicts", content=text("web", 9))
    assert read(extension, space, "web")["spec"]["severities"]["critical"] == 9


def test_dry_runs_store_nothing(extension: Extension):
    space = extension.namespace("trying")
    extension.kubectl("-n", space, "create", "--dry-run=server", "-f", "-", content=text("web"))
    assert extension.kubectl("-n", space, "get", PLURAL, "-o", "name") == ""


def test_wait_sees_what_comes_and_what_goes(extension: Extension):
    space = extension.namespace("waiting")
    extension.kubectl("-n", space, "create", "-f", "-", content=text("web", 1))
    wait = ("-n", space, "wait", f"{PLURAL}/web", "--timeout=20s")
    with Watcher(extension, *wait, "--for=jsonpath={.spec.severities.critical}=5") as waiting:
        extension.kubectl(
            "-n",
            space,
            "patch",
            PLURAL,
            "web",
            "--type=merge",
            "-p",
            '{"spec":{"severities":{"critical":5}}}',
        )
        assert waiting.code() == 0
    with Watcher(extension, *wait, "--for=delete") as waiting:
        extension.kubectl("-n", space, "delete", PLURAL, "web")
        assert waiting.code() == 0


def test_get_watches(extension: Extension):
    space = extension.namespace("watching")
    with Watcher(
        extension, "-n", space, "get", PLURAL, "-l", "app=web", "-w", "--output-watch-events"
    ) as watcher:
        extension.kubectl("-n", space, "create", "-f", "-", content=text("first", 1, app="web"))
        assert watcher.line_with("first").split()[:3] == ["ADDED", "first", "1"]
        extension.kubectl("-n", space, "label", PLURAL, "first", "app=db", "--overwrite")
        assert watcher.line_with("first").split()[:2] == ["DELETED", "first"]


def test_a_namespace_full_of_results_is_deleted(extension: Extension):
    space = extension.namespace("full")
    items = [summary(f"a{number:03}") for number in range(60)]
    content = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    extension.kubectl("-n", space, "create", "-f", "-", content=content)
    extension.kubectl("delete", "namespace", space, "--wait=false")
    refused = failing(extension, "-n", space, "create", "-f", "-", content=text("late"))
    assert "terminat" in refused or "not found" in refused
    extension.until(lambda: space not in extension.kubectl("get", "namespaces", "-o", "name").split("/"), 60)
    extension.until(lambda: "namespace/full" not in extension.kubectl("get", "namespaces", "-o", "name"), 60)
    assert space not in extension.kubectl("get", PLURAL, "-A", "-o", "name")


def test_dependants_go_with_their_owner(extension: Extension):
    space = extension.namespace("owned")
    extension.kubectl("-n", space, "create", "configmap", "owner")
    uid = extension.kubectl("-n", space, "get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}")
    owned = summary("web")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    owned["metadata"]["ownerReferences"] = [owner]
    extension.kubectl("-n", space, "create", "-f", "-", content=json.dumps(owned))
    extension.kubectl("-n", space, "delete", "configmap", "owner")
    extension.until(lambda: extension.kubectl("-n", space, "get", PLURAL, "-o", "name") == "", 60)


def test_an_owner_of_ours_can_be_deleted_in_the_foreground(extension: Extension):
    space = extension.namespace("foreground")
    extension.kubectl("-n", space, "create", "-f", "-", content=text("web"))
    extension.kubectl("-n", space, "delete", PLURAL, "web", "--cascade=foreground", "--timeout=60s")
    assert extension.kubectl("-n", space, "get", PLURAL, "-o", "name") == ""


def test_the_controllers_know_our_kinds_and_complain_of_nothing(extension: Extension):
    for synced in ("synced garbage collector", "synced quota controller"):
        # Of everything that discovery names, ours included.
        extension.until(
            lambda word=synced: word in extension.controllers_log.partition("Resource=sbomsyfts")[2], 90
        )
    complaints = [
        line
        for line in extension.controllers_log.splitlines()
        if line.startswith(("E", "W")) and ("softwarecomposition" in line or "leadline.dev" in line)
    ]
    assert complaints == []
