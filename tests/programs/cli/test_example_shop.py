"""The bundled example shows what it is there to show."""

import gc
import json
from importlib import resources
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from leadline.programs.cli.main import main
from outputs.sarif_schema import SARIF
from outputs.screen_width import too_wide

ROOT = Path(__file__).parents[3]
SHOP = "examples/shop"
PASSWORDS = ("correct-horse-9-battery", "hunter2-but-longer", "made-up-for-this-example")


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "100")
    yield
    gc.enable()


def output(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    code = main(["scan", SHOP, "-q", *words])
    out, err = capfd.readouterr()
    assert (code, err) == (0, "")
    return out


def test_every_object_is_read_and_the_two_faulty_files_are_named(capfd):
    report = json.loads(output(capfd, "-f", "json"))
    schema = json.loads((resources.files("leadline.outputs") / "report_schema.json").read_text("utf-8"))
    Draft202012Validator(schema).validate(report)
    coverage = report["coverage"]
    assert (coverage["objects"], coverage["files"]) == (28, 10)
    assert [(part["where"], part["line"]) for part in coverage["unread"]] == [
        (f"{SHOP}/legacy/svc.yaml", 18),
        (f"{SHOP}/web/templates/hpa.yaml", 1),
    ]


def test_the_worst_is_found_where_it_is(capfd):
    lines = output(capfd, "-f", "lines").splitlines()
    for start in (
        f"{SHOP}/agent.yaml:22:13: critical C-0057",
        f"{SHOP}/agent.yaml:16:7: high C-0275,C-0038",
        f"{SHOP}/payments.yaml:29:7: high C-0041",
        f"{SHOP}/payments.yaml:9:3: high C-0012",
    ):
        assert [line for line in lines if line.startswith(start)] != [], start
    assert [line for line in lines if "Group/shop-operators" in line and "C-0185" in line] != []


def test_the_part_made_with_care_has_no_finding(capfd):
    lines = output(capfd, "-f", "lines").splitlines()
    assert [line for line in lines if line.startswith(f"{SHOP}/api.yaml")] == []


def test_sarif_is_valid_and_every_result_has_a_fingerprint_of_its_own(capfd):
    document = json.loads(output(capfd, "-f", "sarif"))
    SARIF.validate(document)
    prints = [r["partialFingerprints"]["leadlineFinding/v1"] for r in document["runs"][0]["results"]]
    assert len(prints) == len(set(prints)) > 0


@pytest.mark.parametrize("format", ["lines", "pretty", "json", "sarif"])
def test_no_password_leaves(capfd, format: str):
    text = output(capfd, "-f", format, "-v")
    assert [password for password in PASSWORDS if password in text] == []


@pytest.mark.parametrize("width", [40, 60, 72, 80, 81, 97, 100, 113, 130, 160, 200])
@pytest.mark.parametrize(
    "words", [[], ["-v"], ["--verbose-coverage"], ["--severity-threshold", "low"]], ids=" ".join
)
def test_no_screen_is_wider_than_the_terminal(capfd, monkeypatch, width, words):
    monkeypatch.setenv("COLUMNS", str(width))
    main(["scan", SHOP, "-f", "pretty", *words])
    assert too_wide(capfd.readouterr().out, width) == []
