"""The same input scanned twice gives the same findings to a code host, on addresses within its repository."""

import json
import shutil
from pathlib import Path

import pytest

from leadline.programs.cli.main import main

NAMES = {
    "inline": '{{ $.Release.Name }}-{{ randAlphaNum 8 | lower }}',
    "helper": '{{ include "web.name" $ }}',
    "uuid": "web-{{ uuidv4 }}",
    "steady": "web",
}  # fmt: skip
HELPERS = '{{- define "web.name" -}}web-{{ randAlpha 6 | lower }}{{- end -}}\n'
TEMPLATE = """\
{{- $ca := genCA "shop-ca" 365 }}
{{- range $i := until 3 }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {ca: {{ $ca.Cert | b64enc | quote }}}}
    spec:
      hostPID: true
      containers:
      - name: web
        image: nginx
        securityContext: {privileged: true}
{{- end }}
---
apiVersion: v1
kind: Secret
metadata: {name: NAME}
stringData: {password: {{ randAlphaNum 24 | quote }}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: NAME}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: cluster-admin}
subjects: [{kind: ServiceAccount, name: default, namespace: shop}]
"""
needs_helm = pytest.mark.skipif(shutil.which("helm") is None, reason="helm is not installed")


def chart(folder: Path, name: str) -> None:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\n")
    (folder / "templates" / "_helpers.tpl").write_text(HELPERS)
    (folder / "templates" / "web.yaml").write_text(TEMPLATE.replace("NAME", name))


def run_of(target: Path, out: Path) -> dict:
    assert main(["scan", str(target), "-q", "-o", str(out)]) == 0
    return json.loads(out.read_text("utf-8"))["runs"][0]


def fingerprints(run: dict) -> list[str]:
    return [result["partialFingerprints"]["primaryLocationLineHash"] for result in run["results"]]


@needs_helm
@pytest.mark.parametrize("form", NAMES)
def test_fingerprints_stay_where_a_chart_makes_random_names(form: str, tmp_path: Path):
    chart(tmp_path / "shop", NAMES[form])
    first, second = (run_of(tmp_path / "shop", tmp_path / f"{i}.sarif") for i in "ab")
    assert len(first["results"]) > 20
    assert fingerprints(first) == fingerprints(second)
    assert len(set(fingerprints(first))) == len(first["results"])
    names = [
        {
            location["fullyQualifiedName"]
            for result in run["results"]
            for location in result["locations"][0]["logicalLocations"]
        }
        for run in (first, second)
    ]
    assert (names[0] == names[1]) is (form == "steady")


def test_addresses_begin_at_the_top_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    top = tmp_path / "repository"
    (top / ".git").mkdir(parents=True)
    folder = top / "services" / "shop"
    folder.mkdir(parents=True)
    (folder / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostPID: true, containers: [{name: a, image: b}]}\n"
    )
    (folder / "bad.yaml").write_text("kind: [\n")
    for here, target in (
        (folder, "."),
        (folder, "pod.yaml"),
        (top, "services"),
        (tmp_path, "repository"),
        (tmp_path, str(folder)),
    ):
        monkeypatch.chdir(here)
        run = run_of(Path(target), tmp_path / "out.sarif")
        places = {
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for result in run["results"]
        }
        assert places == {"services/shop/pod.yaml"}
        said = {
            location["physicalLocation"]["artifactLocation"]["uri"]
            for note in run["invocations"][0]["toolExecutionNotifications"]
            for location in note.get("locations", ())
        }
        assert said <= {"services/shop/bad.yaml"}


def test_every_rule_has_a_help_address_and_the_tool_one_of_its_own(tmp_path: Path):
    file = tmp_path / "pod.yaml"
    file.write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: a, image: b}]}\n"
    )
    driver = run_of(file, tmp_path / "out.sarif")["tool"]["driver"]
    assert driver["informationUri"].startswith("pkg:generic/leadline@")
    assert len(driver["rules"]) > 50
    assert [rule["id"] for rule in driver["rules"] if not rule["helpUri"].startswith("https://")] == []
