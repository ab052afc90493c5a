"""What edits do not answer is drafted: objects that are missing, and waivers."""

import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadline.errors import StoreError, UsageError
from leadline.scans.fixing.drafts import DraftFile, write_drafts
from leadline.scans.fixing.fix_scan import FixAim, FixResult, agree_to_all, fix_scan
from leadline.scans.fixing.working_copy import write_back
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: docker.io/library/nginx:1.27
          env:
            - name: MODE
              value: fast
            - name: DB_PASSWORD
              value: hunter2-correct-horse
          ports:
            - containerPort: 8080
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec:
  type: TYPE
  selector: {app: web}
  ports: [{port: 80, targetPort: 8080}, {port: 90, targetPort: metrics}]
"""
OPTIONS = PostureOptions(environ=os.environ)


def fixed(folder: Path, text: str, **aim: Any) -> FixResult:
    (folder / "a.yaml").write_text(text)
    return fix_scan([str(folder)], OPTIONS, FixAim(**aim))


def draft(result: FixResult, name: str) -> list[Any]:
    (text,) = [one.text for one in result.drafts if one.name == name]
    return list(yaml.safe_load_all(text))


def failing(folder: Path) -> set[tuple[str, str]]:
    report = posture_scan([str(folder)], OPTIONS)
    return {(one.control, report.resource(one.resource).title) for one in report.findings}


@pytest.mark.parametrize(
    ("type", "who"), [("ClusterIP", {"from": [{"podSelector": {}}]}), ("LoadBalancer", {})]
)
def test_a_network_policy_lets_in_what_services_and_ports_say(tmp_path: Path, type: str, who: dict[str, Any]):
    result = fixed(tmp_path, WEB.replace("TYPE", type))
    (policy,) = draft(result, "network-policies.yaml")
    assert policy["metadata"] == {"name": "web", "namespace": "shop"}
    assert policy["spec"]["podSelector"] == {"matchLabels": {"app": "web"}}
    ports = [{"protocol": "TCP", "port": 8080}, {"protocol": "TCP", "port": "metrics"}]
    assert policy["spec"]["ingress"] == [{**who, "ports": ports}]
    assert ("C-0260", "shop/Deployment/web") in failing(tmp_path)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy))
    assert ("C-0260", "shop/Deployment/web") not in failing(tmp_path)


def test_a_credential_becomes_a_reference_and_its_secret_a_skeleton(tmp_path: Path):
    result = fixed(tmp_path, WEB, agrees=agree_to_all)
    assert draft(result, "secrets.yaml") == [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "web-credentials", "namespace": "shop"},
            "type": "Opaque",
            "stringData": {"DB_PASSWORD": "YOUR_VALUE"},
        }
    ]
    assert "hunter2" not in "".join(one.text for one in result.drafts)
    write_back(result.files)
    (deployment, _) = yaml.safe_load_all((tmp_path / "a.yaml").read_text())
    reference = {"secretKeyRef": {"name": "web-credentials", "key": "DB_PASSWORD"}}
    assert deployment["spec"]["template"]["spec"]["containers"][0]["env"] == [
        {"name": "MODE", "value": "fast"},
        {"name": "DB_PASSWORD", "valueFrom": reference},
    ]
    assert ("C-0012", "shop/Deployment/web") not in failing(tmp_path)


def test_a_reference_is_risky_since_the_secret_is_not_there_yet(tmp_path: Path):
    result = fixed(tmp_path, WEB)
    risks = {edit.path: edit.risk for edit in result.risky}
    assert (
        risks["spec.template.spec.containers[0].env[1]"]
        == "its pods do not start before Secret web-credentials holds DB_PASSWORD"
    )


def test_a_read_only_root_comes_with_the_folders_that_the_program_writes_to(tmp_path: Path):
    result = fixed(tmp_path, WEB, agrees=agree_to_all)
    write_back(result.files)
    (deployment, _) = yaml.safe_load_all((tmp_path / "a.yaml").read_text())
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    assert mounts.keys() == {"/tmp", "/var/cache/nginx", "/var/run"}
    assert pod["volumes"] == [{"name": name, "emptyDir": {}} for name in mounts.values()]


def test_folders_come_only_with_the_read_only_root(tmp_path: Path):
    result = fixed(tmp_path, WEB)
    assert "emptyDir" not in result.files[0].after
    assert not any("volumes" in edit.path for edit in result.risky)


def test_a_waiver_names_the_object_and_counts_only_once_it_is_filled_in(tmp_path: Path):
    role = (
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: all}\n"
        "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]\n"
    )
    result = fixed(tmp_path, role)
    ((waiver,),) = [one["waivers"] for one in draft(result, "waivers.yaml")]
    assert waiver["match"]["kinds"] == ["ClusterRole"]
    assert waiver["match"]["names"] == ["all"]
    assert {"C-0035", "C-0187"} <= set(waiver["match"]["controls"])
    (path,) = write_drafts([one for one in result.drafts if one.name == "waivers.yaml"], str(tmp_path / "d"))
    options = PostureOptions(environ=os.environ, waivers=(path,))
    with pytest.raises(UsageError, match="its end is not a date"):
        posture_scan([str(tmp_path / "a.yaml")], options)
    filled = Path(path).read_text().replace("expires: YOUR_VALUE", "expires: 2999-01-31")
    Path(path).write_text(filled)
    assert {one.control for one in posture_scan([str(tmp_path / "a.yaml")], options).findings} == set()


def test_a_draft_never_replaces_a_file(tmp_path: Path):
    draft = DraftFile("waivers.yaml", "new", 1)
    (tmp_path / "waivers.yaml").write_text("mine")
    with pytest.raises(StoreError, match="is there already"):
        write_drafts([draft], str(tmp_path))
    assert (tmp_path / "waivers.yaml").read_text() == "mine"
