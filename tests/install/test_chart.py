"""What the chart renders to, without a cluster."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "chart"
WAIVERS = ROOT / "deploy" / "accepted.yaml"


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False, timeout=60)


def render(*values: str) -> list[dict[str, Any]]:
    flags = [word for value in values for word in ("--set-json", value)]
    run = helm("template", "leadline", str(CHART), "-n", "security", "--kube-version=1.34", *flags)
    assert run.returncode == 0, run.stderr
    return [document for document in yaml.safe_load_all(run.stdout) if document]


def of_kind(kind: str, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in objects if one["kind"] == kind]


EVERYTHING = (
    'postgresql={"secretName":"database"}',
    "replicas=2",
    'image.pullSecrets=[{"name":"registry"}]',
    'tolerations=[{"operator":"Exists"}]',
    'affinity={"podAntiAffinity":{}}',
    'podLabels={"team":"security"}',
    'podAnnotations={"linkerd.io/inject":"disabled"}',
    'priorityClassName="high"',
    'networkPolicy.kubeApiCidrs=["10.0.0.1/32"]',
)


def test_what_is_written_out_of_the_one_source_is_current():
    run = subprocess.run(
        [sys.executable, str(ROOT / "deploy/build_chart.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
    )
    assert run.stderr == ""
    assert run.returncode == 0


def test_every_value_has_a_description_and_is_read_by_a_template():
    spec = importlib.util.spec_from_file_location("build_chart", ROOT / "deploy/build_chart.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    templates = "".join(path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file())
    for path, leaf in module.leaves(module.schema()):
        assert leaf["description"].endswith((".", "]", "}"))
        if path != ("global",):
            assert path[-1] in templates, path


@pytest.mark.parametrize("values", [(), EVERYTHING], ids=["defaults", "everything"])
def test_rendering_twice_is_identical(values: tuple[str, ...]):
    assert render(*values) == render(*values)


def test_nothing_asks_the_cluster_or_chance_while_it_is_rendered():
    texts = {path: path.read_text() for path in (CHART / "templates").rglob("*") if path.is_file()}
    for word in (
        "lookup",
        "genCA",
        "genSelfSignedCert",
        "genSignedCert",
        "rand",
        "now ",
        "uuidv4",
        "htpasswd",
    ):
        assert [path.name for path, text in texts.items() if f" {word}" in text and "{{" in text] == [], word


def test_helm_lint_has_no_complaint():
    run = helm("lint", "--strict", str(CHART), "--kube-version=1.34")
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize(
    "value",
    [
        "nonsense=1",
        "image.repositry=x",
        "image.digest=sha256:12",
        "replicas=0",
        "persistence.size=lots",
        "networkPolicy.kubeApiPorts={}",
        "replicas=2",
    ],
)
def test_values_that_mean_nothing_are_refused(value: str):
    run = helm("template", "leadline", str(CHART), "--kube-version=1.34", "--set", value)
    assert run.returncode != 0
    assert value.partition("=")[0].partition(".")[0] in run.stderr


def test_no_right_is_a_wildcard_and_none_is_to_secrets():
    rules = [rule for role in of_kind("ClusterRole", render()) for rule in role["rules"]]
    assert rules
    for rule in rules:
        assert "*" not in (*rule["apiGroups"], *rule["resources"], *rule["verbs"])
        assert "secrets" not in rule["resources"]
    named = [binding["roleRef"]["name"] for binding in of_kind("ClusterRoleBinding", render())]
    assert not {"cluster-admin", "admin", "edit", "view"} & set(named)


def test_all_programs_together_ask_for_256_mib_at_most():
    containers = of_kind("Deployment", render())[0]["spec"]["template"]["spec"]["containers"]
    asked = [container["resources"]["requests"]["memory"] for container in containers]
    assert all(text.endswith("Mi") for text in asked)
    assert sum(int(text.removesuffix("Mi")) for text in asked) <= 256


def scan(manifests: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leadline.programs.cli.main", "scan", str(manifests)]
    return subprocess.run(
        [*command, "--severity-threshold", "medium", *flags],
        capture_output=True,
        text=True,
        check=False,
        cwd=manifests.parent,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": "", "HOME": str(manifests.parent)},
    )


@pytest.mark.parametrize("values", [(), EVERYTHING], ids=["defaults", "everything"])
def test_our_own_scan_finds_nothing_above_low(values: tuple[str, ...], tmp_path: Path):
    manifests = tmp_path / "chart.yaml"
    manifests.write_text(yaml.safe_dump_all(render(*values)))
    accepted = scan(manifests, "--waivers", str(WAIVERS))
    assert accepted.returncode == 0, accepted.stdout
    assert "too broad" not in accepted.stdout
    # What is accepted is all that there is.
    found = [line for line in scan(manifests).stdout.splitlines() if " low C-" not in line and "C-0" in line]
    assert {"C-0261" in line or "undecided" in line for line in found} == {True}
