"""``leadline scan --store kube`` against a real cluster, read back by kubectl."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from extension import ROOT, Extension

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


def deployment(name: str, namespace: str) -> dict[str, object]:
    container = {"name": "c", "image": "nginx:1.27", "securityContext": {"privileged": True}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}},
        },
    }


def test_a_scan_of_the_cluster_is_stored_listed_and_collected(extension: Extension):
    space = extension.namespace("storing")
    extension.apply(deployment("web", space), deployment("old", space))
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
    file.write_text(json.dumps(deployment("web", "default")))
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
