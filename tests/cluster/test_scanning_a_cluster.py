"""The command line over a real API server, as a person runs it."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from control_plane import ControlPlane
from workloads import privileged

from leadline.errors import ClusterError
from leadline.sources.cluster.connection import Patience, connect
from leadline.sources.cluster.discovery import discover_kinds
from leadline.sources.cluster.reader import read_cluster

pytestmark = pytest.mark.slow

SOURCES = Path(__file__).parents[2] / "src"


def leadline(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leadline.programs.cli.main", *words]
    environ = {**os.environ, "PYTHONPATH": str(SOURCES), "COLUMNS": "200"}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)


def test_the_role_that_rbac_prints_suffices_for_a_scan_with_every_control(api_server: ControlPlane) -> None:
    space = api_server.namespace("scanned")
    api_server.apply(privileged(space))
    before = leadline("scan", "--kubeconfig", api_server.user("scanner"), "--format", "lines")
    assert before.returncode == 3
    assert before.stderr.startswith("leadline: nothing can be read in the cluster of context real: ")
    api_server.kubectl("apply", "-f", "-", content=leadline("rbac").stdout)
    api_server.kubectl(
        "create", "clusterrolebinding", "scanner", "--clusterrole=leadline-reader", "--user=scanner"
    )
    after = leadline("scan", "--kubeconfig", api_server.user("scanner"), "--format", "lines")
    assert after.returncode == 0, after.stderr
    assert "forbidden" not in after.stdout + after.stderr
    assert any("C-0057" in line and "scanned/Deployment/web" in line for line in after.stdout.splitlines())


def test_the_role_that_rbac_prints_holds_no_right_that_a_server_never_grants(
    api_server: ControlPlane,
) -> None:
    role = yaml.safe_load(leadline("rbac").stdout)
    asked = {
        (group, plural)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for plural in rule["resources"]
    }
    cluster = connect(kubeconfig=api_server.admin(), environ={})
    kinds = discover_kinds(cluster).kinds.values()
    cluster.close()
    assert asked & {(kind.group, kind.plural) for kind in kinds if not kind.can_list} == set()


def test_a_control_that_sees_only_part_of_its_kinds_says_so(api_server: ControlPlane) -> None:
    rules = yaml.safe_load(leadline("rbac", "control", "C-0260").stdout)["rules"]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "no-policies"},
        "rules": [rule for rule in rules if rule["apiGroups"] != ["networking.k8s.io"]],
    }
    assert len(role["rules"]) < len(rules)
    api_server.apply(role)
    api_server.kubectl(
        "create", "clusterrolebinding", "no-policies", "--clusterrole=no-policies", "--user=halfblind"
    )
    scan = leadline(
        "scan", "control", "C-0260", "--kubeconfig", api_server.user("halfblind"), "--format", "lines"
    )
    assert "networkpolicies.networking.k8s.io" in scan.stdout


def test_one_workload_is_scanned_by_name(api_server: ControlPlane) -> None:
    space = api_server.namespace("single")
    api_server.apply(privileged(space))
    scan = leadline(
        "scan", "workload", "single/Deployment/web", "--kubeconfig", api_server.admin(), "--format", "lines"
    )
    findings = [line for line in scan.stdout.splitlines() if "C-0" in line]
    assert findings
    assert all("single/Deployment/web" in line for line in findings)


def test_certificates_may_stand_in_the_kubeconfig_itself(api_server: ControlPlane) -> None:
    api_server.admin()
    folder = api_server.folder

    def encoded(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    user = {
        "client-certificate-data": encoded(folder / "user-admin.crt"),
        "client-key-data": encoded(folder / "user-admin.key"),
    }
    content = yaml.safe_load(api_server.kubeconfig(user))
    server = content["clusters"][0]["cluster"]
    del server["certificate-authority"]
    server["certificate-authority-data"] = encoded(api_server.authority_file)
    path = folder / "inline.conf"
    path.write_text(json.dumps(content))
    cluster = connect(kubeconfig=str(path), environ={})
    assert read_cluster(cluster, {"Namespace"}).unread == ()
    cluster.close()


def test_a_server_that_is_not_trusted_is_not_asked_again(api_server: ControlPlane) -> None:
    content = yaml.safe_load(api_server.kubeconfig({"token": "t"}))
    content["clusters"][0]["cluster"]["certificate-authority"] = "proxy-ca.crt"
    path = api_server.folder / "wary.conf"
    path.write_text(json.dumps(content))
    # Waiting before a second attempt would outlast the test.
    patience = Patience(first_wait_s=3600.0, longest_wait_s=3600.0)
    with pytest.raises(ClusterError, match="its certificate is not trusted"):
        connect(kubeconfig=str(path), environ={}, patience=patience)


def test_a_server_that_shows_another_certificate_is_not_trusted(api_server: ControlPlane) -> None:
    other = api_server.folder / "proxy-ca.crt"
    content = yaml.safe_load(api_server.kubeconfig({"token": "t"}))
    content["clusters"][0]["cluster"]["certificate-authority"] = other.name
    path = api_server.folder / "distrust.conf"
    path.write_text(json.dumps(content))
    scan = leadline("scan", "--kubeconfig", str(path))
    assert scan.returncode == 3
    assert "its certificate is not trusted" in scan.stderr
    assert scan.stderr.count("\n") == 1
