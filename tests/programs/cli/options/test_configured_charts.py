"""A chart that is rendered several times: each rendering is judged apart and named."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., tuple[int, str, str]]
TEMPLATE = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: c
        image: x
        securityContext:
          privileged: {{ .Values.privileged }}
{{- if .Values.policy }}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: all, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
{{- end }}
"""
PROD, TEST, OUTER = ("charts/shop/values-prod.yaml", "charts/shop/values-test.yaml", "env/prod.yaml")


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = tmp_path / "code"
    chart = top / "charts" / "shop"
    (chart / "templates").mkdir(parents=True)
    (top / ".git").mkdir()
    (top / "env").mkdir()
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: shop\nversion: 0.1.0\n")
    (chart / "templates" / "web.yaml").write_text(TEMPLATE)
    (chart / "values.yaml").write_text("privileged: true\npolicy: false\n")
    (top / PROD).write_text("privileged: false\npolicy: true\n")
    (top / TEST).write_text("privileged: true\n")
    (top / OUTER).write_text("policy: true\n")
    monkeypatch.chdir(top)
    monkeypatch.setenv("HOME", str(tmp_path))
    return top


def ask(code: Path, *renderings: tuple[str, ...]) -> None:
    entries = (
        f'[[chart]]\npath = "charts/shop"\nvalues = {json.dumps(list(files))}\n' for files in renderings
    )
    (code / "leadline.toml").write_text("".join(entries))


def failed(run: Run, control: str, *words: str) -> dict[str, bool]:
    """By rendering, whether the Deployment fails."""
    _, out, _ = run("scan", "control", control, ".", "-f", "json", *words)
    report = json.loads(out)
    values = {
        one["resourceID"]: ", ".join(one["source"].get("helmValues", ["own"]))
        for one in report["resources"]
        if "/Deployment/" in one["resourceID"]
    }
    return {
        values[one["resourceID"]]: one["controls"][0]["status"]["status"] == "failed"
        for one in report["results"]
        if one["resourceID"] in values
    }


def test_each_entry_is_one_rendering_judged_apart(code: Path, run: Run):
    ask(code, (PROD,), (TEST,), (TEST, OUTER))
    expected = {
        "values-prod.yaml": False,
        "values-test.yaml": True,
        "values-test.yaml, ../../env/prod.yaml": True,
    }
    assert failed(run, "C-0057", "--trust-config") == expected


def test_a_policy_of_one_rendering_covers_no_other(code: Path, run: Run):
    """C-0260 passes where a NetworkPolicy selects the pod."""
    ask(code, (PROD,), (TEST,))
    assert failed(run, "C-0260", "--trust-config") == {"values-prod.yaml": False, "values-test.yaml": True}
    ask(code, (TEST,))
    assert failed(run, "C-0260", "--trust-config") == {"values-test.yaml": True}


def test_the_code_adds_renderings_and_takes_none_away(code: Path, run: Run):
    ask(code, (PROD,))
    assert failed(run, "C-0057") == {"own": True, "values-prod.yaml": False}
    assert failed(run, "C-0057", "--trust-config") == {"values-prod.yaml": False}
    assert run("scan", "control", "C-0057", ".", "--severity-threshold", "low")[0] == 1


def test_an_entry_without_values_is_the_charts_own(code: Path, run: Run):
    ask(code, (), (PROD,))
    assert failed(run, "C-0057", "--trust-config") == {"own": True, "values-prod.yaml": False}


def test_flags_go_before_the_values_of_an_entry(code: Path, run: Run):
    ask(code, (PROD,), (TEST,))
    words = ("--trust-config", "--set", "privileged=false")
    assert failed(run, "C-0057", *words) == {"values-prod.yaml": False, "values-test.yaml": False}


def test_an_object_names_its_rendering_where_another_has_the_same(code: Path, run: Run):
    ask(code, (PROD,), (TEST,))
    _, out, err = run("scan", "control", "C-0057", ".", "--trust-config")
    assert "[shop/Deployment/web (charts/shop with values-test.yaml)]" in out
    assert "note: charts/shop: rendered with values-prod.yaml; with values-test.yaml\n" in err
    _, out, _ = run("scan", "control", "C-0057", ".")
    assert "[shop/Deployment/web in 2 renderings]" in out
    assert "left out values" not in out


def test_values_that_no_rendering_takes_are_named(code: Path, run: Run):
    ask(code, (PROD,))
    _, out, _ = run("scan", "control", "C-0057", ".")
    assert "charts/shop/values-test.yaml: left out values that the chart was not rendered with" in out
    assert "charts/shop/values-prod.yaml: left out" not in out


def test_a_chart_that_needs_values_is_no_gap_where_it_is_given_some(code: Path, run: Run):
    template = code / "charts" / "shop" / "templates" / "web.yaml"
    template.write_text(template.read_text() + '{{ required "a key is required" .Values.key }}')
    (code / PROD).write_text("privileged: false\nkey: ''\n")
    ask(code, (PROD,))
    assert run("scan", ".", "--fail-on", "unread")[0] == 3
    (code / PROD).write_text("privileged: false\nkey: '# x'\n")
    code_, out, _ = run("scan", ".", "--fail-on", "unread")
    assert code_ == 0
    assert "left out the chart charts/shop was not rendered: " in out
    (code / "leadline.toml").unlink()
    assert run("scan", ".", "--fail-on", "unread")[0] != 0


def test_a_rendering_that_fails_is_unread_by_its_values(code: Path, run: Run):
    (code / TEST).write_text("privileged: [")
    ask(code, (PROD,), (TEST,))
    exit_code, out, _ = run("scan", ".", "--fail-on", "unread")
    assert exit_code == 1
    assert "unread the chart charts/shop was not rendered: " in out
    assert "(with values-test.yaml)" in out


@pytest.mark.parametrize(
    ("path", "values", "why"),
    [
        (
            "charts/shpo",
            [],
            "leadline.toml:1: no chart: {}/charts/shpo; path names the folder of its Chart.yaml",
        ),
        (
            "charts/shop",
            ["prod.yaml"],
            "leadline.toml:1: no such file: {}/prod.yaml; values names files of values",
        ),
    ],
)
def test_a_chart_or_a_file_that_is_not_there_ends_the_scan(
    code: Path, run: Run, path: str, values: list[str], why: str
):
    (code / "leadline.toml").write_text(f'[[chart]]\npath = "{path}"\nvalues = {json.dumps(values)}\n')
    assert run("scan", ".") == (2, "", f"leadline: {why.format(code)}\n")


def test_fingerprints_and_baselines_know_renderings_apart(code: Path, run: Run):
    ask(code, (TEST,), (OUTER,))
    _, out, _ = run("scan", "control", "C-0057", ".", "-f", "sarif", "--trust-config")
    results = json.loads(out)["runs"][0]["results"]
    marks = [one["partialFingerprints"] for one in results]
    assert len(marks) == len({json.dumps(mark) for mark in marks})


def git(code: Path, *words: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words],
        cwd=code,
        check=True,
        capture_output=True,
    )


def test_a_revision_is_rendered_with_the_values_that_it_had(code: Path, run: Run):
    (code / ".git").rmdir()
    ask(code, (PROD,), (TEST,))
    git(code, "init", "-q", ".")
    git(code, "add", ".")
    git(code, "commit", "-qm", "x")
    words = ("scan", "control", "C-0057", ".", "--trust-config", "--severity-threshold", "low")
    assert run(*words)[0] == 1
    assert run(*words, "--since", "HEAD")[0] == 0
    (code / PROD).write_text("privileged: true\npolicy: true\n")
    exit_code, out, _ = run(*words, "--since", "HEAD")
    assert (exit_code, "values-prod.yaml" in out) == (1, True)
    git(code, "checkout", "-q", PROD)
    exit_code, out, _ = run("diff", ".@HEAD", ".", "--trust-config", "--severity-threshold", "low")
    assert (exit_code, out.splitlines()[-1].startswith("0 new, 0 gone, ")) == (0, True)


def test_a_baseline_is_taken_with_the_same_renderings(code: Path, run: Run):
    ask(code, (PROD,), (TEST,))
    assert run("baseline", "save", ".", "--trust-config", "-o", "b.json")[0] == 0
    words = ("scan", ".", "--trust-config", "--severity-threshold", "low", "--baseline", "b.json")
    assert run(*words)[0] == 0


def test_each_rendering_is_fixed_in_the_values_that_it_takes(code: Path, run: Run):
    ask(code, (PROD,), (TEST,))
    exit_code, out, _ = run("fix", "control", "C-0057", ".", "--yes", "--risky", "--trust-config")
    assert exit_code == 0
    assert "1 finding becomes 0" in out
    assert run("scan", "control", "C-0057", ".", "--trust-config", "--severity-threshold", "low")[0] == 0
    assert "privileged: true" not in (code / TEST).read_text()
