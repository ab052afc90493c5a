"""What ``import leadline`` offers, and that its page is true."""

import inspect
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import leadline
from image_archives import docker_archive, layer
from leadline.programs.cli.main import main

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "library.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_the_page_has_examples():
    assert len(EXAMPLES) > 2


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_of_the_page_runs(example: str, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples" / "shop", "deploy")
    files = {"etc/os-release": b"ID=debian\n", "srv/app/.env": b"AWS_ACCESS_KEY_ID=AKIAABCDEFGHIJKLMNOP\n"}
    docker_archive(Path("nginx.tar"), [layer(files)])
    exec(compile(example, str(PAGE), "exec"), {"__name__": "example"})
    assert capsys.readouterr().out


def test_importing_it_imports_nothing_else():
    script = (
        "import leadline, sys; print(sorted(name for name in sys.modules if name.startswith('leadline')))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['leadline', 'leadline.version']\n"


def test_everything_offered_is_there():
    assert [name for name in leadline.__all__ if not hasattr(leadline, name)] == []


def test_what_is_not_offered_is_an_ordinary_error():
    with pytest.raises(AttributeError, match="has no attribute 'scam'"):
        leadline.scam  # noqa: B018


def test_a_scan_knows_nothing_of_another(tmp_path: Path):
    """What is a secret in one target is none in the next, whose report does not depend on the first."""
    container = "  containers: [{name: c, image: a, env: [{name: DB_PASSWORD, value: %s}]}]\n"
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\nspec:\n  hostPID: true\n"
    (tmp_path / "secret.yaml").write_text(pod % "a" + container % "hunter2-Xq9v-longer")
    (tmp_path / "plain.yaml").write_text(pod % "hunter2-Xq9v-longer" + "  containers: []\n")
    options = leadline.PostureOptions(controls=("C-0038", "C-0012"))
    target = [str(tmp_path / "plain.yaml")]
    first, first_by_default = leadline.scan(target, options), leadline.scan(target)
    leadline.scan([str(tmp_path / "secret.yaml")], options)
    leadline.scan([str(tmp_path / "secret.yaml")])
    assert leadline.scan(target, options).findings == first.findings
    assert leadline.scan(target).findings == first_by_default.findings


def test_one_path_needs_no_list(tmp_path: Path):
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostPID: true}\n"
    )
    found = [
        leadline.scan(target).findings for target in (str(tmp_path), tmp_path, [tmp_path], [str(tmp_path)])
    ]
    assert found[0]
    assert found == [found[0]] * 4


@pytest.mark.parametrize("options", [leadline.PostureOptions, leadline.ImageOptions])
def test_a_text_where_several_are_wanted_is_refused(options: type):
    with pytest.raises(TypeError, match=r'waivers takes several: \("a",\)'):
        options(waivers="a")


def test_what_is_no_report_is_not_encoded():
    with pytest.raises(TypeError, match="str is not a report"):
        leadline.encode("report")  # type: ignore[arg-type]


def test_all_that_is_offered_is_listed_and_errors_need_no_import():
    script = (
        "import leadline\n"
        "assert set(leadline.__all__) <= set(dir(leadline))\n"
        "try: leadline.scan(['nowhere'])\n"
        "except leadline.errors.SourceError as error: print(error)\n"
        "try: leadline.nothing\n"
        "except AttributeError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("no such file: nowhere")
    assert done.stdout.endswith("no attribute 'nothing'\n")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples" / "shop", "shop")
    return tmp_path


def test_findings_have_the_words_and_places_of_the_lines_that_the_command_prints(shop: Path):
    report = leadline.scan(["shop"])
    rows = leadline.findings(report)
    assert len(rows) == len(report.findings)
    assert {row.control for row in rows} == {finding.control for finding in report.findings}
    lines = leadline.render(report, "lines")
    for row in (one for one in rows if one.line):
        assert f"{row.file}:{row.line}:{row.column}: " in lines
    assert all(row.severity and row.problem and row.object and row.advice for row in rows)


@pytest.mark.parametrize("format", ["csv", "lines", "markdown", "sarif"])
def test_what_is_rendered_is_what_the_command_writes(
    format: str, shop: Path, capfd: pytest.CaptureFixture[str]
):
    assert main(["scan", "shop", "-f", format, "-q"]) == 0
    written, rendered = capfd.readouterr().out, leadline.render(leadline.scan("shop"), format)
    # Seconds pass between the two, and a library knows no command that would repeat its scan.
    passing = re.compile(r"\d\.\d+ s|\d\dZ\"|\n`leadline fix .*\n")
    assert passing.sub("", rendered) == passing.sub("", written)
    assert leadline.render_bytes(leadline.scan("shop"), format).decode() != ""


def test_a_fix_is_shown_and_written_where_that_is_asked(shop: Path):
    before = {path: path.read_bytes() for path in Path("shop").rglob("*.yaml")}
    shown = leadline.fix(["shop"])
    assert {path: path.read_bytes() for path in before} == before
    assert shown.made > 0
    assert shown.failed_after < shown.failed_before
    written = leadline.fix("shop", write=True)
    assert (written.diff, written.made) == (shown.diff, shown.made)
    assert {path: path.read_bytes() for path in before} != before
    assert leadline.fix("shop").made == 0


def test_a_difference_a_baseline_and_a_comparison_agree(shop: Path):
    Path("known.json").write_bytes(leadline.baseline(leadline.scan("shop")))
    Path("shop/new.yaml").write_text(
        "{apiVersion: v1, kind: Pod, metadata: {name: new}, spec: {hostPID: true, containers: []}}"
    )
    found = leadline.diff("known.json", "shop")
    report = leadline.compare(leadline.scan("shop"), "known.json")
    assert len(found.new) == len(report.new.findings) > 0
    assert {one.object for one in found.new} == {"/Pod//new"}
    assert not found.gone


def test_risk_reach_and_waivers_answer(shop: Path):
    ranked = leadline.risk("shop", top=3)
    assert len(ranked.document()["workloads"]) == 3
    assert ranked.picture().startswith("<svg")
    Path("two.yaml").write_text(
        "".join(
            f"---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {n}, namespace: x}}, spec: {{containers: [{{name: a, image: a, ports: [{{containerPort: 80}}]}}]}}}}\n"
            for n in "ab"
        )
    )
    assert leadline.reach("two.yaml", "x/a", "x/b").is_allowed
    Path("waivers.yaml").write_text(
        "waivers: [{reason: x, expires: 2020-01-01, match: {controls: [C-0057]}}]"
    )
    assert [use.state for use in leadline.waiver_entries(["waivers.yaml"])] == ["expired"]


@pytest.mark.parametrize("targets", [None, [123], 7, {"a": 1}])
def test_targets_of_another_type_are_named(targets: object):
    with pytest.raises(TypeError, match="targets is a path or a list of paths"):
        leadline.scan(targets)  # type: ignore[arg-type]


def test_what_makes_no_sense_is_an_error_with_a_type(shop: Path):
    with pytest.raises(leadline.errors.UsageError, match="unknown format markdwon; did you mean markdown"):
        leadline.render(leadline.scan("shop"), "markdwon")
    with pytest.raises(leadline.errors.UsageError, match="pdf is not text"):
        leadline.render(leadline.scan("shop"), "pdf")
    with pytest.raises(leadline.errors.SourceError):
        leadline.diff("nothing", "shop")


def test_signatures_are_short_enough_to_read():
    for name in leadline.__all__:
        offered = getattr(leadline, name)
        if inspect.isfunction(offered):
            assert len(str(inspect.signature(offered))) < 260, name
            assert " at 0x" not in str(inspect.signature(offered))
            assert inspect.getdoc(offered)
