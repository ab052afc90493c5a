"""A scan with a ``leadline.toml``: a pull request that edits it fails no less than before."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
POD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\n"
    "spec: {containers: [{name: c, image: x, securityContext: {privileged: true}}]}\n"
)


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that a pull request may have written all of."""
    top = tmp_path / "code"
    (top / ".git").mkdir(parents=True)
    (top / "deploy").mkdir()
    (top / "deploy" / "pod.yaml").write_text(POD)
    monkeypatch.chdir(top)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return top


LOOSER = {
    "severity-threshold = 'critical'": "of two gates",
    "severity-threshold = 'low'\nverbose = false\nmin-severity = 'critical'\nby = 'fix'": "how it looks",
    "exclude-controls = ['C-0057']": "controls",
    "frameworks = ['pss-restricted']": "frameworks",
    "include-namespaces = ['other']": "namespaces",
    "exclude-namespaces = ['default']": "namespaces",
    "waivers = ['waivers.yaml']": "waivers",
    "baseline = 'deploy/pod.yaml'": "baseline",
    "controls-config = 'settings.toml'": "settings",
    "framework-file = ['ours.toml']": "framework files",
    "assume-complete = true": "completeness",
    "controls = ['evil.py']": "code",
    "store = 'results.db'": "writing",
    "format = ['sarif=written.sarif']": "writing",
    "kubeconfig = 'evil'\nkube-context = 'evil'": "reach",
}


@pytest.mark.parametrize("text", LOOSER)
def test_no_line_of_the_code_makes_a_failing_scan_pass(code: Path, run: Run, text: str):
    gates = ("--severity-threshold", "high")
    before = run("scan", "deploy", *gates, "-f", "csv", "--no-config")
    (code / "evil.py").write_text(f"open({str(code / 'ran')!r}, 'w')")
    (code / "waivers.yaml").write_text("waivers: [{reason: r, match: {names: ['*']}}]")
    (code / "leadline.toml").write_text(text)
    files = {path.name for path in code.iterdir()}
    after = run("scan", "deploy", *gates, "-f", "csv")
    assert before[0] == after[0] == 1
    findings = [line for line in before[1].splitlines() if ",C-0" in line]
    assert findings
    assert set(findings) <= set(after[1].splitlines())
    assert {path.name for path in code.iterdir()} == files


@pytest.mark.parametrize(
    "format", ["lines", "json", "sarif", "csv", "markdown", "html", "junit", "policyreport"]
)
def test_what_is_not_taken_is_named_in_the_report(code: Path, run: Run, format: str):
    (code / "leadline.toml").write_text("\nexclude-controls = ['C-0057']\nstore = 'x.db'\n")
    exit_code, out, err = run("scan", "deploy", "-f", format)
    assert exit_code == 0
    assert "leadline.toml:2 exclude-controls" in out
    assert "leadline.toml:3 store" in out
    assert "note: leadline.toml:2 exclude-controls: not taken: it would hide findings" in err
    assert run("scan", "deploy", "-f", format, "-q")[2] == ""


def test_a_gate_of_the_code_counts_and_a_flag_goes_before_it(code: Path, run: Run):
    (code / "leadline.toml").write_text("severity-threshold = 'high'")
    exit_code, _, err = run("scan", "deploy")
    assert (exit_code, "note: --severity-threshold is of leadline.toml:1\n" in err) == (1, True)
    exit_code, _, err = run("scan", "deploy", "--severity-threshold", "low")
    assert (exit_code, "note" in err) == (1, False)
    assert run("scan", "deploy", "--no-config")[0] == 0
    assert run("scan", "deploy", "--compliance-threshold", "0")[0] == 1
    (code / "leadline.toml").write_text("severity-threshold = 'low'\nfail-on = 'unread'")
    (code / "deploy" / "bad.yaml").write_text("kind: [")
    _, out, _ = run("scan", "deploy", "--severity-threshold", "critical", "-f", "json")
    assert run("scan", "deploy", "--severity-threshold", "critical")[0] == 1
    assert out


def test_a_file_of_the_user_counts_in_full(code: Path, run: Run, tmp_path: Path):
    own = tmp_path / "own.toml"
    own.write_text("exclude-controls = ['C-0057']\nformat = ['json']\nseverity-threshold = 'critical'")
    exit_code, out, err = run("scan", "deploy", "--config", str(own))
    assert (exit_code, "C-0057" in json.loads(out)["summaryDetails"]["controls"]) == (0, False)
    assert "note" not in err


def test_trust_has_to_be_said(code: Path, run: Run):
    (code / "leadline.toml").write_text("exclude-controls = ['C-0057']\nformat = ['json']")
    _, out, err = run("scan", "deploy", "--trust-config")
    assert "C-0057" not in json.loads(out)["summaryDetails"]["controls"]
    assert "note" not in err


def test_frameworks_of_the_code_are_judged_and_scored_besides(code: Path, run: Run):
    (code / "leadline.toml").write_text("frameworks = ['pss-baseline']")
    plain, more = (json.loads(run("scan", "deploy", "-f", "json", *w)[1]) for w in (["--no-config"], []))
    names = [[one["name"] for one in r["summaryDetails"]["frameworks"]] for r in (plain, more)]
    assert set(names[1]) - set(names[0]) == {"pss-baseline"}
    assert plain["summaryDetails"]["controls"].keys() <= more["summaryDetails"]["controls"].keys()


def test_paths_that_the_code_excludes_are_named_and_can_be_taken_in(code: Path, run: Run):
    (code / "deploy" / "legacy").mkdir()
    (code / "deploy" / "legacy" / "pod.yaml").write_text(POD)
    (code / "leadline.toml").write_text("exclude-path = ['legacy/']")
    _, out, _ = run("scan", "deploy")
    assert "deploy/legacy/pod.yaml" not in out
    assert "deploy/legacy" in out
    _, out, _ = run("scan", "deploy", "--no-waivers-from-target")
    assert "deploy/legacy/pod.yaml" in out
    assert "leadline.toml:1 exclude-path: left out not taken: --no-waivers-from-target" in out


def test_the_configuration_of_a_fetched_repository_is_not_read(code: Path, run: Run, tmp_path: Path):
    import subprocess

    other = tmp_path / "other"
    (other / "deploy").mkdir(parents=True)
    (other / "deploy" / "pod.yaml").write_text(POD)
    (other / "leadline.toml").write_text("broken =")
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        subprocess.run(["git", *words], cwd=other, check=True)
    assert run("scan", f"file://{other}", "-q")[0] == 0


def test_a_mistake_ends_the_scan_before_it_begins(code: Path, run: Run):
    (code / "leadline.toml").write_text("severty-threshold = 'high'")
    expected = "leadline: leadline.toml:1: unknown key severty-threshold; did you mean severity-threshold?\n"
    assert run("scan", "deploy") == (2, "", expected)
    assert run("scan", "deploy", "--config", "/nonexistent")[:2] == (3, "")


@pytest.mark.parametrize("missing", ["nowhere", "nowhere/*.yaml", "deploy/*.json", "deploy/nam?.txt"])
def test_what_is_not_there_has_no_configuration(code: Path, run: Run, missing: str):
    expected = f"leadline: no such file: {missing}; leadline config --help shows what there is\n"
    assert run("config", "show", missing) == (2, "", expected)


@pytest.mark.parametrize("there", ["deploy", "deploy/*.yaml", "**/*.yaml", "-", "https://host.example/code"])
def test_what_is_there_or_may_be_has_one(code: Path, run: Run, there: str):
    assert run("config", "show", there)[0] == 0


def test_what_is_in_force_is_shown_with_its_place(code: Path, run: Run, tmp_path: Path):
    (code / "leadline.toml").write_text("severity-threshold = 'low'\nexclude-controls = ['C-0057']\n")
    own = tmp_path / "own.toml"
    own.write_text("severity-threshold = 'high'")
    exit_code, out, _ = run("config", "show", "deploy", "--config", str(own), "-f", "json")
    shown = json.loads(out)
    assert exit_code == 0
    assert shown["files"] == {"yours": str(own), "withTheCode": "leadline.toml"}
    assert shown["inForce"] == {
        "severity-threshold": {"value": "low", "origins": [f"{own}:1", "leadline.toml:1"]}
    }
    assert shown["notTaken"] == [
        {"where": "leadline.toml:2", "key": "exclude-controls", "why": "not taken: it would hide findings"}
    ]
    _, text, _ = run("config")
    assert "  severity-threshold   low   leadline.toml:1\n" in text
    assert run("config", "--no-config")[1].startswith(
        "files\n  none   --no-config\n\nin force\n  nothing but defaults\n"
    )


def test_a_file_to_begin_with_is_written_once(code: Path, run: Run):
    assert run("config", "init") == (0, "", "written: leadline.toml\n")
    assert run("scan", "deploy", "-q")[0] == 0
    assert run("config", "init")[0] == 2
