"""A user's Rego beside the built-in controls, from the command line."""

import gc
from pathlib import Path

import pytest

from leadline.programs.cli.main import main
from leadline.scans.posture import own_rego
from leadline.sources.rego.engine import has_rego

needs_rego = pytest.mark.skipif(not has_rego(), reason="the rego extra is not installed")
POD = """\
apiVersion: v1
kind: Pod
metadata:
  name: shell
  namespace: shop
spec:
  hostname: old
"""
RULE = """\
package armo_builtins
import rego.v1

deny contains report if {
	some pod in input
	pod.spec.hostname in data.postureControlInputs.oldNames
	report := {
		"deletePaths": ["spec.hostname"],
		"alertObject": {"k8sApiObjects": [pod]},
	}
}
"""


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    Path("mine").mkdir()
    Path("pod.yaml").write_text(POD)
    Path("mine/names.rego").write_text(RULE)
    Path("settings.json").write_text('{"oldNames": ["old"]}')
    yield
    gc.enable()


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capfd.readouterr()
    return code, out, err


SCAN = (
    "scan",
    "control",
    "custom-names",
    "pod.yaml",
    "--controls",
    "mine",
    "--controls-config",
    "settings.json",
)


@needs_rego
def test_a_rule_judges_with_the_settings_of_a_file(capfd):
    assert run(capfd, *SCAN) == (
        0,
        "pod.yaml:7:3: unknown custom-names names [shop/Pod/shell] remove spec.hostname\n",
        "1 edit for 1 finding: 1 unknown\n",
    )


@needs_rego
def test_one_file_is_enough(capfd):
    words = [word.replace("mine", "mine/names.rego") for word in SCAN]
    assert run(capfd, *words)[1].endswith("remove spec.hostname\n")


@needs_rego
def test_a_broken_rule_is_named_with_its_place_and_the_others_judge(capfd):
    Path("mine/worse.rego").write_text(
        "package armo_builtins\nimport rego.v1\ndeny contains x if { x = = 1 }\n"
    )
    words = [word.replace("custom-names", "custom-names,custom-worse") for word in SCAN]
    code, out, _ = run(capfd, *words)
    assert (code, out.splitlines()) == (
        0,
        [
            "pod.yaml:7:3: unknown custom-names names [shop/Pod/shell] remove spec.hostname",
            "mine/worse.rego:3:26: unread rule worse: expecting expression; "
            "fix the rule; what it would have found is unknown",
        ],
    )


@needs_rego
def test_rules_are_listed_and_explained(capfd):
    _, out, _ = run(capfd, "list", "controls", "--controls", "mine")
    assert "custom-names" in out
    _, out, _ = run(capfd, "explain", "custom-names", "--controls", "mine")
    assert "objects of every kind" in out


def test_without_the_engine_one_line_says_how_to_get_it(capfd, monkeypatch):
    monkeypatch.setattr(own_rego, "has_rego", lambda: False)
    assert run(capfd, *SCAN) == (
        2,
        "",
        "leadline: mine holds Rego, which needs an engine that is not installed; "
        "pip install 'leadline[rego]' brings it\n",
    )


GUIDE = Path(__file__).parents[2] / "docs" / "own-rules.md"


@needs_rego
def test_the_examples_of_the_guide_judge(capfd):
    blocks = GUIDE.read_text("utf-8").split("```")
    python = next(block for block in blocks if block.startswith("python\n"))
    rego = next(block for block in blocks if block.startswith("rego\n"))
    Path("guide").mkdir()
    Path("guide/foreign.py").write_text(python.removeprefix("python\n"))
    Path("guide/foreign.rego").write_text(rego.removeprefix("rego\n"))
    containers = "  containers:\n  - {name: a, image: nginx}\n  - {name: b, image: registry.shop.example/b}\n"
    Path("pod.yaml").write_text(POD + containers)
    words = ("scan", "control", "SHOP-1,custom-foreign", "pod.yaml", "--controls", "guide", "-q")
    assert run(capfd, *words)[1].splitlines() == [
        "pod.yaml:9:15: high SHOP-1,custom-foreign Foreign image [shop/Pod/shell] review spec.containers[0].image: push it to registry.shop.example and name it there",
    ]
