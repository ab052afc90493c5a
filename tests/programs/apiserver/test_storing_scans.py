"""``leadline scan --store kube`` against a real cluster, read back by kubectl."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from extension import ROOT, Extension
from workloads import privileged

from leadline.model.report import PostureReport
from leadline.outputs.documents.report_document import decode

pytestmark = pytest.mark.cluster
SUMMARIES = "workloadconfigurationscansummaries"


def leadline(extension: Extension, *words: str) -> subprocess.CompletedProcess[str]:
    program = "import sys; from leadline.programs.cli.main import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", program, *words, "--kubeconfig", extension.admin()],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
    )


def test_a_scan_of_the_cluster_is_stored_listed_and_collected(extension: Extension):
    space = extension.namespace("storing")
    extension.apply(privileged(space, "web", replicas=0), privileged(space, "old", replicas=0))
    ended = leadline(extension, "scan", "--store", "kube", "--format", "json", "--output", os.devnull)
    assert ended.returncode in (0, 1), ended.stderr
    assert "results stored as posture-" in ended.stderr
    found = json.loads(extension.kubectl("-n", space, "get", SUMMARIES, "deployment-web", "-o", "json"))
    assert found["spec"]["controls"]["C-0057"]["status"]["status"] == "failed"
    sums = json.loads(extension.kubectl("get", "configurationscansummaries", space, "-o", "json"))
    assert {"deployment-web", "deployment-old"} <= {ref["name"] for ref in sums["spec"]["summaryRef"]}
    assert "Succeeded" in extension.kubectl("get", "scanruns")
    extension.kubectl("-n", space, "delete", "deployment", "old")
    ended = leadline(extension, "scan", "--store", "kube", "--format", "json", "--output", os.devnull)
    assert ended.returncode in (0, 1), ended.stderr
    left = extension.kubectl("-n", space, "get", SUMMARIES, "-o", "name")
    assert "deployment-web" in left
    assert "deployment-old" not in left


def test_a_user_without_rights_is_told_so(extension: Extension, tmp_path: Path):
    file = tmp_path / "web.yaml"
    file.write_text(json.dumps(privileged("default", "web", replicas=0)))
    program = "import sys; from leadline.programs.cli.main import main; sys.exit(main())"
    command = [
        sys.executable,
        "-c",
        program,
        "scan",
        "--store",
        "kube",
        str(file),
        "--kubeconfig",
        extension.user("stranger"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)
    assert ended.returncode == 3
    assert "forbidden" in ended.stderr.lower()


def added_up(items: list[dict[str, Any]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for item in items:
        counts.update(item["spec"]["severities"])
    return +counts


def test_a_namespace_that_is_being_deleted_keeps_nothing_else_out(extension: Extension):
    space, other = extension.namespace("ending"), extension.namespace("staying")
    held = privileged(space, "held", replicas=0)
    held["metadata"]["finalizers"] = ["example.com/held"]
    extension.apply(held, privileged(other, "web", replicas=0))
    extension.kubectl("delete", "namespace", space, "--wait=false")
    try:
        ended = leadline(extension, "scan", "--store", "kube", "--format", "json", "--output", os.devnull)
        assert ended.returncode in (0, 1), ended.stderr
        assert f"nothing new in namespaces that are being deleted: {space}" in ended.stderr
        assert extension.kubectl("-n", other, "get", SUMMARIES, "deployment-web")
    finally:
        free = json.dumps({"metadata": {"finalizers": None}})
        extension.kubectl("-n", space, "patch", "deployment", "held", "--type=merge", "-p", free)
        extension.until(
            lambda: f"namespace/{space}\n" not in extension.kubectl("get", "ns", "-o", "name"), 60
        )


def test_kubectl_the_command_line_and_a_dashboard_show_the_same_numbers(extension: Extension, tmp_path: Path):
    space = extension.namespace("agreeing")
    extension.apply(privileged(space, "web", replicas=0))
    live, stored = tmp_path / "live.json", tmp_path / "stored.json"
    ended = leadline(extension, "scan", "--store", "kube", "-f", "report", "-o", str(live))
    assert ended.returncode == 0, ended.stderr
    ended = leadline(extension, "scan", "--from-store", "kube", "-f", "report", "-o", str(stored))
    assert ended.returncode == 0, ended.stderr
    scanned, shown = decode(live.read_bytes()), decode(stored.read_bytes())
    assert isinstance(scanned, PostureReport)
    assert isinstance(shown, PostureReport)
    wanted = +scanned.severities()
    assert sum(wanted.values()) > 0
    assert +shown.severities() == wanted
    assert shown.compliance() == scanned.compliance()
    assert shown.objects_judged == scanned.objects_judged
    assert [one.where for one in shown.unread] == [one.where for one in scanned.unread]
    namespaces = json.loads(extension.kubectl("get", "configurationscansummaries", "-o", "json"))
    assert added_up(namespaces["items"]) == wanted
    # As a dashboard asks, straight to the API.
    path = f"/apis/spdx.softwarecomposition.kubescape.io/v1beta1/{SUMMARIES}?resourceVersion=fullSpec"
    assert added_up(json.loads(extension.kubectl("get", "--raw", path))["items"]) == wanted
    lines = extension.kubectl("get", "findings", "-A", "--no-headers").splitlines()
    assert len(lines) == sum(wanted.values())
    (line,) = extension.kubectl(
        "get", "findings", "-n", space, "-l", "leadline.dev/control=C-0057", "--no-headers"
    ).splitlines()
    assert "Privileged container" in line
    assert "Deployment/web" in line
    explained = extension.kubectl("explain", "findings.spec.paths", "--api-version=leadline.dev/v1alpha1")
    assert "fixPath" in explained
    ended = leadline(extension, "get", "runs")
    assert "Succeeded" in ended.stdout


def test_image_results_are_listed_and_counted_by_kubectl(extension: Extension):
    image = ROOT / "examples" / "image" / "web.tar"
    ended = leadline(extension, "scan", "image", str(image), "--store", "kube")
    assert ended.returncode == 0, ended.stderr
    (row,) = json.loads(leadline(extension, "get", "images", "-f", "json").stdout)
    path = (
        "/apis/spdx.softwarecomposition.kubescape.io/v1beta1/vulnerabilitymanifests?resourceVersion=fullSpec"
    )
    (manifest,) = json.loads(extension.kubectl("get", "--raw", path))["items"]
    counts = Counter(
        match["vulnerability"]["severity"].lower() for match in manifest["spec"]["payload"]["matches"]
    )
    assert {name: number for name, number in row["vulnerabilities"].items() if number} == dict(counts)
    assert extension.kubectl("-n", "leadline", "get", "sbomsyfts", "--no-headers").split()[0]
    assert extension.kubectl("-n", "leadline", "get", "openvulnerabilityexchangecontainers", "--no-headers")
    shown = leadline(extension, "get", "image", str(image))
    assert shown.stdout == ended.stdout
