"""The definitions of accepted findings are what their model says, and hold what the reader reads."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from leadline.kube.kinds import ADDED
from leadline.model.waiver import Waiver
from leadline.sources.waivers.security_exceptions import security_exception

ROOT = Path(__file__).resolve().parents[2]
EVERY_FILE = sorted((ROOT / "deploy" / "crds").glob("*.yaml"))
FILES = [path for path in EVERY_FILE if path.stem.endswith("exceptions")]
OF_NODES = [path for path in EVERY_FILE if path not in FILES and path.stem != "rules"]
SPEC = {
    "author": "eve",
    "reason": "known",
    "expiresAt": "2027-01-31",
    "match": {
        "objectSelector": {"matchLabels": {"app": "a"}},
        "resources": [{"kind": "Deployment", "name": "web", "apiGroup": "apps"}],
        "images": ["registry.example/*"],
    },
    "posture": [{"controlID": "C-0057", "frameworkName": "NSA", "action": "ignore"}],
    "vulnerabilities": [
        {
            "vulnerability": {"id": "CVE-2024-1", "aliases": ["GHSA-1"]},
            "status": "not_affected",
            "justification": "component_not_present",
            "expiredOnFix": True,
        }
    ],
}


def schema(path: Path) -> dict[str, Any]:
    (version,) = yaml.safe_load(path.read_text())["spec"]["versions"]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def closed(part: Any) -> Any:
    """``part`` without room for what it does not name, as the API server prunes it."""
    if isinstance(part, dict):
        made = {name: closed(value) for name, value in part.items()}
        if "properties" in made:
            made["additionalProperties"] = False
        return made
    return [closed(one) for one in part] if isinstance(part, list) else part


def test_the_files_are_what_the_model_says():
    ended = subprocess.run(
        [sys.executable, str(ROOT / "deploy" / "crds.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert [path.stem for path in FILES] == ["clustersecurityexceptions", "securityexceptions"]


@pytest.mark.parametrize("path", OF_NODES, ids=lambda path: path.stem)
def test_what_agents_say_of_nodes_is_kept_whole(path: Path):
    body = yaml.safe_load(path.read_text())
    assert (body["spec"]["group"], body["spec"]["scope"]) == ("hostdata.kubescape.cloud", "Cluster")
    assert ADDED[f"{body['spec']['names']['kind']}.hostdata.kubescape.cloud"].plural == path.stem
    assert schema(path)["properties"]["spec"]["x-kubernetes-preserve-unknown-fields"] is True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_the_reader_reads_is_kept_by_the_server(path: Path):
    namespace = {} if path.stem.startswith("cluster") else {"namespace": "shop"}
    kind = yaml.safe_load(path.read_text())["spec"]["names"]["kind"]
    body = {
        "apiVersion": "kubescape.io/v1beta1",
        "kind": kind,
        "metadata": {"name": "a", **namespace},
        "spec": SPEC,
    }
    validator = Draft202012Validator(closed(schema(path)["properties"]["spec"]))
    assert list(validator.iter_errors(SPEC)) == []
    waiver = security_exception(body, "a")
    assert isinstance(waiver, Waiver)
    assert {match.controls for match in waiver.matches} == {("C-0057",), ()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_field_and_column_is_explained(path: Path):
    def unexplained(part: dict[str, Any], place: str) -> list[str]:
        found = []
        for name, one in part.get("properties", {}).items():
            found += [] if one.get("description") else [f"{place}.{name}"]
            found += unexplained(one, f"{place}.{name}")
        return found + (unexplained(part["items"], f"{place}[]") if "items" in part else [])

    of_all = [".apiVersion", ".kind", ".metadata"]  # kubectl explains them itself
    assert [one for one in unexplained(schema(path), "") if one not in of_all] == []
    (version,) = yaml.safe_load(path.read_text())["spec"]["versions"]
    columns = version["additionalPrinterColumns"]
    assert all(column["description"] for column in columns)
    assert [column["name"] for column in columns if not column.get("priority")] == [
        "State",
        "Posture",
        "Vulnerabilities",
        "Expires",
        "Reason",
        "Age",
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_schema_is_structural(path: Path):
    def walk(part: dict[str, Any]) -> None:
        assert "type" in part
        assert not {"$ref", "anyOf", "default", "title", "nullable"} & part.keys()
        for one in part.get("properties", {}).values():
            walk(one)
        for name in ("items", "additionalProperties"):
            if name in part:
                walk(part[name])

    walk(schema(path))
