"""``leadline rehearse`` and ``harden`` against a real API server: policies, and whose the addresses are, come from it."""

import json
from pathlib import Path
from typing import Any

import pytest
from control_plane import ControlPlane

from leadline.programs.cli.main import main

pytestmark = pytest.mark.slow
OBJECTS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web, securityContext: {readOnlyRootFilesystem: true}}]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, labels: {app: db}}
spec: {containers: [{name: db, image: db, ports: [{name: sql, containerPort: 5432}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {selector: {app: db}, ports: [{port: 80, targetPort: sql}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Egress]
  egress: [{to: [{podSelector: {matchLabels: {app: db}}}], ports: [{port: 5432}]}]
"""


def test_policies_and_addresses_are_those_of_the_cluster(
    api_server: ControlPlane, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    space = api_server.namespace("rehearsed")
    manifest = tmp_path / "objects.yaml"
    manifest.write_text(OBJECTS)
    api_server.kubectl("apply", "-n", space, "-f", str(manifest))
    status = '{"status": {"phase": "Running", "podIP": "10.1.2.3", "podIPs": [{"ip": "10.1.2.3"}]}}'
    api_server.kubectl("patch", "pod", "db", "-n", space, "--subresource=status", "-p", status)
    address = api_server.kubectl("get", "service", "db", "-n", space, "-o", "jsonpath={.spec.clusterIP}")
    peers = [
        {"direction": "connects", "address": one, "port": port, "protocol": "TCP"}
        for one, port in ((address, 80), ("10.1.2.3", 5432), ("10.1.2.3", 9), ("198.51.100.1", 443))
    ]
    container = {
        "id": "1",
        "name": "web",
        "namespace": space,
        "workloadKind": "Deployment",
        "workload": "web",
    }
    profile: dict[str, Any] = {
        "container": container,
        "completion": "complete",
        "reasons": [],
        "peers": peers,
    }
    (tmp_path / "profile").write_text(json.dumps(profile))
    words = [
        "--kubeconfig",
        api_server.admin(),
        "--quiet",
        "-f",
        "json",
        "--profile",
        str(tmp_path / "profile"),
    ]
    assert main(["rehearse", *words, "-n", space]) == 1
    report = json.loads(capfd.readouterr().out)
    (row,) = report["containers"]
    assert {one["what"]: one["verdict"] for one in row["outcomes"]} == {
        f"connects to {address}:80/TCP": "allowed",
        "connects to 10.1.2.3:5432/TCP": "allowed",
        "connects to 10.1.2.3:9/TCP": "blocked",
        "connects to 198.51.100.1:443/TCP": "blocked",
    }
    assert report["notRead"] == []
    assert main(["harden", "workload", f"{space}/Deployment/web", *words, "-n", space]) == 0
    policy = json.loads(capfd.readouterr().out)["networkPolicy"]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert policy["spec"]["ingress"] == []
    ports = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
    assert ports == {5432, 9, 443}
    made = tmp_path / "policy.json"
    made.write_text(json.dumps(policy))
    api_server.kubectl("apply", "--dry-run=server", "-f", str(made))


def test_rules_about_networks_are_held_against_the_pods_of_the_cluster(
    api_server: ControlPlane, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Pods are judged at their owner, and their addresses are those of its ends all the same."""
    space = api_server.namespace("reached")
    policy = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db}
spec:
  podSelector: {matchLabels: {app: db}}
  ingress: [{from: [{ipBlock: {cidr: 10.1.0.0/16}}]}]
"""
    pod = """---
apiVersion: v1
kind: Pod
metadata:
  name: web-7f-a
  labels: {app: web}
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web-7f, uid: 11111111-1111-1111-1111-111111111111, controller: true}]
spec: {containers: [{name: web, image: web}]}
"""
    (tmp_path / "objects.yaml").write_text(
        f"{OBJECTS.partition('---')[0]}---{OBJECTS.split('---')[1]}---{policy}{pod}"
    )
    api_server.kubectl("apply", "-n", space, "-f", str(tmp_path / "objects.yaml"))
    flags = [
        "--port",
        "5432",
        "--kubeconfig",
        api_server.admin(),
        "--include-namespaces",
        space,
        "-f",
        "json",
    ]
    for address, verdict in (("10.1.2.4", "allowed"), ("10.2.2.4", "denied")):
        status = json.dumps({"status": {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}})
        api_server.kubectl(
            "patch", "pod", "web-7f-a", "-n", space, "--subresource=status", "--type=merge", "-p", status
        )
        main(["reach", f"{space}/Deployment/web", f"{space}/Pod/db", *flags])
        assert json.loads(capfd.readouterr().out)["connections"][0]["verdict"] == verdict
