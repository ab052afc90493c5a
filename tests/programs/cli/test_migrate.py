"""What other scanners are told to leave out or accept becomes settings and waivers, or is named."""

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

Run = Callable[..., tuple[int, str, str]]
FILES = {
    ".trivyignore": "# accepted\nCVE-2018-14618 exp:2027-01-31\nKSV017\nAVD-DS-0002\nKSV-0007\n",
    ".trivyignore.yaml": "misconfigurations:\n- {id: AVD-KSV-0014, paths: [deploy/a.yaml], statement: writes its cache, expired_at: 2027-03-01}\nsecrets: [{id: aws}]\n",
    ".grype.yaml": "fail-on-severity: high\nignore:\n- {vulnerability: CVE-2024-1, package: {name: zlib}, reason: not called}\n- {vulnerability: CVE-2024-2, fix-state: unknown}\n",
    "sub/.checkov.yaml": "skip-check: [CKV_K8S_21, CKV_K8S_40, CKV_K8S_39]\nskip-path: [legacy/, '^x$']\ncompact: true\nbranch: main\n",
    ".kube-linter.yaml": "checks: {exclude: [unset-cpu-requirements, no-anti-affinity], ignorePaths: [./vendor/**]}\ncustomChecks: [{name: mine}]\n",
    "exceptions.json": '[{"name": "a", "policyType": "postureExceptionPolicy", "actions": ["alertOnly"], "resources": '
    '[{"designatorType": "Attributes", "attributes": {"kind": "Pod"}}], "posturePolicies": [{"controlID": "C-0048"}]}]',
    "deploy/a.yaml": """apiVersion: v1
kind: Pod
metadata:
  name: a
  namespace: shop
  annotations:
    checkov.io/skip1: CKV_K8S_20=needs it
    ignore-check.kube-linter.io/host-network: its own network
    kube-score/ignore: pod-networkpolicy,container-image-pull-policy
    polaris.fairwinds.com/host-pid-set-exempt: "true"
spec:
  # checkov:skip=CKV_K8S_22:writes to /tmp
  hostIPC: true  # trivy:ignore:KSV-0008
  hostNetwork: true
  containers: [{name: a, image: "a:1"}]
""",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _alone(own_image_place: None) -> None:
    for name, text in FILES.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)


def test_settings_and_waivers_are_written_and_the_rest_is_named(run: Run) -> None:
    code, out, err = run("migrate")
    assert (code, out) == (0, "")
    assert tomllib.loads(Path("leadline.toml").read_text()) == {
        "exclude-controls": ["C-0268", "C-0270", "C-0061", "C-0212"],
        "severity-threshold": "high",
        "exclude-path": ["vendor/**", "legacy/"],
        "waivers": ["leadline-waivers.yaml", "exceptions.json"],
    }
    waivers = yaml.safe_load(Path("leadline-waivers.yaml").read_text())["waivers"]
    assert [(one["reason"], one.get("expires", ""), one["match"]) for one in waivers] == [
        ("not called", "", {"vulnerabilities": ["CVE-2024-1"], "packages": ["zlib"]}),
        ("taken over from .trivyignore:2", "2027-01-31", {"vulnerabilities": ["CVE-2018-14618"]}),
        ("taken over from .trivyignore:3", "", {"controls": ["C-0057"]}),
        ("taken over from .trivyignore:4", "", {"controls": ["L-0106"]}),
        ("writes its cache", "2027-03-01", {"controls": ["C-0017"], "paths": ["deploy/a.yaml"]}),
        *(
            (reason, "", {"controls": controls, "kinds": ["Pod"], "names": ["a"], "namespaces": ["shop"]})
            for reason, controls in (
                ("needs it", ["C-0016"]),
                ("its own network", ["C-0041"]),
                ("taken over from deploy/a.yaml shop/Pod/a", ["C-0260", "C-0275"]),
                ("writes to /tmp", ["C-0017"]),
                ("taken over from deploy/a.yaml:13", ["C-0276"]),
            )
        ),
    ]
    left = [line.partition(": ")[2] for line in err.splitlines() if line.startswith("not taken over: ")]
    assert [line.split(": ")[1] for line in left] == [
        "ignore CVE-2024-2", "customChecks", "secrets", "skip-path ^x$", "branch", "no-anti-affinity", "CKV_K8S_40", "CKV_K8S_39",
        "KSV-0007", "container-image-pull-policy",
    ]  # fmt: skip
    assert err.splitlines()[-1] == "next: leadline scan . --trust-config"


def test_what_was_written_is_taken_by_a_scan(run: Run) -> None:
    before = run("scan", ".", "-f", "json")[1]
    assert run("migrate")[0] == 0
    code, out, err = run("scan", ".", "--trust-config", "-f", "lines")
    assert code in (0, 1), err
    assert "C-0041" in before
    failing = [line for line in out.splitlines() if ": accepted " not in line]
    assert not [line for line in failing if "C-0041" in line or "C-0016" in line]


def test_a_dry_run_writes_nothing_and_a_file_that_exists_is_kept(run: Run) -> None:
    code, out, _ = run("migrate", ".", "--dry-run")
    assert (code, Path("leadline.toml").exists()) == (0, False)
    assert out.startswith("--- leadline.toml\n")
    Path("leadline.toml").write_text("# mine\n")
    code, _, err = run("migrate")
    assert (code, err.splitlines()[0]) == (
        2,
        "leadline: leadline.toml exists; --dry-run prints what would be written, -o FOLDER writes elsewhere",
    )
    assert Path("leadline.toml").read_text() == "# mine\n"


def test_a_folder_without_any_is_an_error(run: Run) -> None:
    Path("empty").mkdir()
    assert run("migrate", "empty")[0] == 3


def test_a_scan_names_what_it_does_not_read_of_other_scanners(run: Run) -> None:
    out = run("scan", ".", "-f", "lines")[1]
    named = [line for line in out.splitlines() if "leadline migrate" in line]
    assert [line.partition(":")[0] for line in named] == [
        ".grype.yaml", ".kube-linter.yaml", ".trivyignore", ".trivyignore.yaml", "sub/.checkov.yaml", "deploy/a.yaml",
    ]  # fmt: skip


def test_broken_and_hostile_files_of_others_are_named(run: Run) -> None:
    Path("x").mkdir()
    for name, text in (
        (".grype.yaml", "a: ["),
        (".checkov.yaml", "- 1"),
        (".kube-linter.yaml", "checks: 7"),
        (".trivyignore", "\0\xff"),
    ):
        Path("x", name).write_text(text)
    code, _, err = run("migrate", "x", "--dry-run")
    assert code == 0
    assert "not taken over: x/.grype.yaml: the file: " in err
