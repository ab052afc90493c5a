"""What leaves the organisation has no name of its own in it, in any format, and its owner can turn it back."""

import io
import json
import os
import random
import stat
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadline.errors import StoreError, UsageError
from leadline.model.report import PostureReport
from leadline.outputs.format_registry import Page, find_format, formats_for
from leadline.outputs.pseudonyms.names import Names, read_names, revealed, write_names
from leadline.outputs.pseudonyms.report import pseudonymous
from leadline.outputs.rows.no_places import NoPlaces
from leadline.scans.options import PostureOptions
from leadline.scans.posture.posture_scan import posture_scan

KEY = b"k" * 32
MARK = "q9z"
"""Every name of the user's holds it; no word of ours does, and no pseudonym, which has no 9."""


class Makes:
    """Names that no one else uses."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.number = 0

    def word(self) -> str:
        self.number += 1
        return MARK + "".join(self.dice.choices("abcdefgh", k=6)) + str(self.number)

    def name(self) -> str:
        return self.dice.choice((self.word(), f"{self.word()}-{self.word()}", f"{self.word()}.{self.word()}"))

    def text(self) -> str:
        return self.dice.choice(
            (
                self.word(),
                f"{self.word()}_{self.word()}",
                f"https://{self.word()}.example:8443/{self.word()}?a={self.word()}",
                f"/srv/{self.word()}/{self.word()}.yaml",
                f"--{self.word()}={self.word()}",
                f"SYS_{self.word()}",
                f"12345678901{self.word()}",
                f"{self.word()} {self.word()}\n{self.word()}",
                f"<b>{self.word()}</b>",
            )
        )


def objects(dice: random.Random) -> list[dict[str, Any]]:
    makes = Makes(dice)
    namespace, account, app = makes.name(), makes.word(), makes.text()
    meta = {"name": makes.name(), "namespace": namespace}
    container = {
        "name": makes.word(),
        "image": f"{makes.word()}.example/{makes.word()}:{makes.word()}",
        "command": ["sh", "-c", makes.text()],
        "args": [makes.text(), f"--profiling={makes.word()}"],
        "env": [
            {"name": makes.word(), "value": makes.text()},
            {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": makes.word(), "key": makes.word()}}},
        ],
        "securityContext": {
            "privileged": dice.random() < 0.5,
            "capabilities": {"add": ["SYS_ADMIN", makes.word()]},
        },
        "volumeMounts": [{"name": makes.word(), "mountPath": makes.text()}],
        "ports": [{"containerPort": 80, "name": makes.word(), "hostPort": 8080}],
        "livenessProbe": {"httpGet": {"host": makes.word(), "path": f"/{makes.word()}", "port": 80}},
    }
    pod = {
        "serviceAccountName": account,
        "nodeName": makes.word(),
        "nodeSelector": {makes.word(): makes.word()},
        "containers": [container],
        "volumes": [{"name": makes.word(), "hostPath": {"path": f"/{makes.word()}"}}],
        "imagePullSecrets": [{"name": makes.word()}],
        "hostAliases": [{"ip": "10.0.0.1", "hostnames": [makes.word()]}],
    }
    labels = {"app": app, makes.word(): makes.word(), "app.kubernetes.io/name": makes.word()}
    role = {"kind": "Role", "metadata": {"name": makes.word(), "namespace": namespace}}
    return [
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {**meta, "labels": labels, "annotations": {makes.word(): makes.text()}},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"selector": labels, "externalName": makes.word(), "type": "LoadBalancer"}},
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {f"{makes.word()}.password": makes.text()}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": account, "namespace": namespace}},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            **role,
            "rules": [{"apiGroups": ["", makes.word()], "resources": ["secrets", makes.word()], "verbs": ["get", "list"], "resourceNames": [makes.word()]}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": makes.word(), "namespace": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role["metadata"]["name"]},
            "subjects": [
                {"kind": "ServiceAccount", "name": account, "namespace": namespace},
                {"kind": "User", "name": f"{makes.word()}@{makes.word()}.example", "apiGroup": "rbac.authorization.k8s.io"},
            ],
        },
        *(
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "ClusterRoleBinding",
                "metadata": {"name": makes.word()},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role_name},
                "subjects": [{"kind": "Group", "name": makes.word(), "apiGroup": "rbac.authorization.k8s.io"}],
            }
            for role_name in ("cluster-admin", makes.name())
        ),
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": meta,
            "spec": {"rules": [{"host": f"{makes.word()}.example", "http": {"paths": [{"path": f"/{makes.word()}", "pathType": "Prefix", "backend": {"service": {"name": meta["name"], "port": {"number": 80}}}}]}}]},
        },
        {"apiVersion": f"{makes.word()}.example/v1", "kind": makes.word(), "metadata": meta, "spec": {makes.word(): {makes.word(): makes.text()}}},
    ]  # fmt: skip


def scanned(folder: Path, dice: random.Random) -> PostureReport:
    makes = Makes(dice)
    deep = folder / makes.word() / makes.word()
    deep.mkdir(parents=True)
    (deep / f"{makes.word()}.yaml").write_text(yaml.safe_dump_all(objects(dice)))
    (deep / f"{makes.word()}.yaml").write_text(f"apiVersion: v1\nkind: Pod\n  {makes.word()}: [\n")
    (deep / f"{makes.word()}.yaml").write_text(
        f"apiVersion: v1\nkind: Pod\nmetadata: {{name: {makes.word()}, name: {makes.word()}}}\n"
    )
    waivers = folder / f"{makes.word()}.yaml"
    waivers.write_text(
        f"waivers:\n- name: {makes.word()}\n  reason: {makes.text()!r}\n  owner: {makes.word()}\n  ticket: {makes.word()}\n"
        "  match: {controls: [C-0057, C-0013]}\n"
    )
    options = PostureOptions(environ=os.environ, waivers=(str(waivers),))
    return posture_scan([str(deep)], options)


def written(report: PostureReport, name: str) -> str:
    out = io.StringIO()
    find_format(name, PostureReport).write(report, out, Page(places=NoPlaces(), verbose=True, coverage=True))
    return out.getvalue()


@given(st.integers(0, 10**9))
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_no_name_survives_in_any_format(tmp_path_factory: pytest.TempPathFactory, seed: int):
    dice = random.Random(seed)
    report = scanned(tmp_path_factory.mktemp("names"), dice)
    assert report.findings
    assert report.unread
    assert report.waived
    redacted = pseudonymous(report, Names(KEY))
    for name in formats_for(PostureReport):
        assert MARK in written(report, name).lower() or name in ("prometheus", "baseline"), name
        text = written(redacted, name).lower()
        at = text.find(MARK)
        assert at < 0, (name, text[max(0, at - 200) : at + 80])
    assert len(redacted.findings) == len(report.findings)
    assert redacted.severities() == report.severities()
    assert len(redacted.unread) == len(report.unread)


def test_the_same_name_has_the_same_pseudonym_in_every_report(tmp_path: Path):
    names = Names(KEY)
    again = Names(KEY)
    assert names.of("shop", "namespace") == again.of("shop", "namespace")
    assert names.of("shop", "namespace") == names.of("shop", "name")
    assert Names(b"x" * 32).of("shop", "namespace") != names.of("shop", "namespace")


def test_what_is_left_fits_together(tmp_path: Path):
    report = scanned(tmp_path, random.Random(7))
    redacted = pseudonymous(report, Names(KEY))
    ids = {resource.id for resource in redacted.resources}
    assert {finding.resource for finding in redacted.findings} <= ids
    assert len(ids) == len({resource.id for resource in report.resources})
    service = next(r for r in redacted.resources if r.kind == "Service")
    deployment = next(r for r in redacted.resources if r.kind == "Deployment")
    assert service.body["spec"]["selector"] == deployment.body["spec"]["template"]["metadata"]["labels"]
    assert service.body["spec"]["type"] == "LoadBalancer"


@pytest.mark.parametrize("name", ["json", "csv", "markdown", "lines", "html"])
def test_the_owner_turns_it_back(name: str, tmp_path: Path):
    report = scanned(tmp_path, random.Random(3))
    file = str(tmp_path / "names.json")
    names = read_names(file, may_be_new=True)
    text = written(pseudonymous(report, names), name)
    write_names(file, names)
    back = revealed(text, read_names(file, may_be_new=False))
    for resource in report.resources:
        if resource.kind == "Deployment":
            assert resource.name in back
    if name == "json":
        json.loads(back)


def test_the_file_of_names_is_its_owners_alone(tmp_path: Path):
    file = tmp_path / "names.json"
    write_names(str(file), Names(KEY))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["names.json"]
    file.chmod(0o644)
    with pytest.raises(StoreError, match="can be read by others"):
        read_names(str(file), may_be_new=True)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format":"x","key":"","names":{}}', "\0" * 50])
def test_another_file_is_no_file_of_names(content: str, tmp_path: Path):
    file = tmp_path / "names.json"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(UsageError, match="is not a file of names"):
        read_names(str(file), may_be_new=True)
    assert file.read_text() == content
