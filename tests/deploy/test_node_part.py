"""The node part of the chart: what it may, what it mounts, and that it is off unless it is asked for."""

from pathlib import Path

import pytest

from leadline.kube.kinds import ADDED
from leadline.model.report import PostureReport
from leadline.scans.options import ChartOptions, PostureOptions
from leadline.scans.posture.posture_scan import posture_scan

CHART = Path(__file__).resolve().parents[2] / "deploy" / "chart"


def rendered(*values: str) -> PostureReport:
    return posture_scan(str(CHART), PostureOptions(charts=ChartOptions(set=values)))


@pytest.fixture(scope="module")
def report() -> PostureReport:
    return rendered("capabilities.hostFacts=true")


def body(report: PostureReport, kind: str, ending: str = "-node") -> dict:
    (found,) = (one for one in report.resources if one.kind == kind and one.name.endswith(ending))
    return found.body


def test_no_node_is_read_unless_it_is_asked_for():
    assert [one.title for one in rendered().resources if one.kind == "DaemonSet"] == []


def test_its_container_has_no_capability_and_writes_nothing_of_the_node(report):
    pod = body(report, "DaemonSet")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["privileged"] is False
    assert not {"hostPID", "hostIPC", "hostNetwork"} & pod.keys()
    mounts = {one["name"]: one for one in container["volumeMounts"]}
    of_node = [volume["name"] for volume in pod["volumes"] if "hostPath" in volume]
    assert of_node
    assert all(mounts[name].get("readOnly") is True for name in of_node)
    assert {volume["hostPath"]["type"] for volume in pod["volumes"] if "hostPath" in volume} == {"Directory"}


def test_its_account_may_write_facts_and_never_reach_pods_through_a_kubelet(report):
    rules = body(report, "ClusterRole")["rules"]
    of_nodes = {resource for rule in rules for resource in rule["resources"] if resource.startswith("nodes")}
    assert of_nodes == {"nodes", "nodes/configz"}
    assert {verb for rule in rules for verb in rule["verbs"]} == {"get", "create", "update", "delete"}
    written = {plural for rule in rules for plural in rule["resources"]} - of_nodes
    assert written == {kind.plural for kind in ADDED.values() if kind.group == "hostdata.kubescape.cloud"}


def test_what_it_looks_for_changes_is_part_of_what_says_that_it_lives(report):
    (container,) = body(report, "DaemonSet")["spec"]["template"]["spec"]["containers"]
    assert {"--root=/host", "--kubelet=$(NODE_ADDRESS)", "--look-s=600", "--every-s=86400"} <= set(
        container["args"]
    )
