import gc
import json
import platform
import subprocess
import sys
from pathlib import Path

import click
import pytest

import leadline
from leadline.posture.catalogue import load_controls
from leadline.programs.cli import lazy_group
from leadline.programs.cli.main import main
from leadline.scans.posture.frameworks import load_frameworks


@pytest.fixture(autouse=True)
def collector_on():
    yield
    gc.enable()


def run(capfd: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capfd.readouterr()
    return code, out, err


def test_version_in_both_forms(capfd):
    assert run(capfd, "--version") == (0, f"leadline {leadline.__version__}\n", "")
    code, out, _ = run(capfd, "version", "--format", "json")
    facts = json.loads(out)
    assert (code, facts["version"], facts["python"]) == (0, leadline.__version__, platform.python_version())
    assert facts["controls"] == sum(1 for control in load_controls() if control.is_built)


def test_every_control_is_listed_with_what_it_is(capfd):
    code, out, _ = run(capfd, "list", "controls", "--format", "json")
    rows = json.loads(out)
    controls = {control.id: control for control in load_controls()}
    assert code == 0
    assert [row["id"] for row in rows] == sorted(controls)
    for row in rows:
        control = controls[row["id"]]
        assert (row["name"], row["severity"], row["score"]) == (
            control.title,
            control.severity,
            control.score,
        )
        assert row["built"] == control.is_built
        assert row["about"]
        assert row["why"] == (f"needs {control.needs}" if control.needs else control.manual)
        assert "AllControls" in row["frameworks"]


def test_the_readme_says_how_many_controls_there_are_as_the_list_does(capfd):
    counts = run(capfd, "list", "controls")[1].splitlines()[-1]
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert " controls: " in counts
    assert counts in " ".join(readme.split())


def test_a_framework_says_how_much_of_it_is_built(capfd):
    _, out, _ = run(capfd, "list", "frameworks", "--format", "json")
    built = {control.id for control in load_controls() if control.is_built}
    rows = {row["name"]: row for row in json.loads(out)}
    for framework in load_frameworks(load_controls()):
        row = rows[framework.name]
        assert row["built"] == len(set(framework.control_ids) & built)
        assert row["controls"] == row["built"] + len(row["notBuilt"])


def test_the_table_has_a_line_for_each(capfd):
    _, out, _ = run(capfd, "list", "frameworks")
    assert len(out.splitlines()) == 1 + len(load_frameworks(load_controls()))
    _, out, _ = run(capfd, "list", "controls")
    assert out.splitlines()[1].startswith("C-0001")


def test_every_control_has_a_page_in_both_forms(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    for control in load_controls()[::20]:
        code, out, _ = run(capfd, "explain", control.id.lower())
        assert code == 0
        assert " ".join(out.split()).startswith(" ".join(f"{control.id} {control.title}".split()))
        code, out, _ = run(capfd, "explain", control.id, "--format", "md")
        assert (code, out.splitlines()[0]) == (0, f"# {control.id} {control.title}")


def test_the_page_of_a_control_shows_its_parts(capfd, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    _, out, _ = run(capfd, "explain", "C-0057")
    labels = ("fix ", "looks at ", "cannot see ", "part of ", "fails", "https://")
    assert [label for label in labels if not any(line.startswith(label) for line in out.splitlines())] == []
    assert "    privileged: true" in out


def test_the_score_is_explained(capfd):
    code, out, _ = run(capfd, "explain", "score")
    assert (code, out.splitlines()[0]) == (0, "score   how the numbers come about")


@pytest.mark.parametrize("form", ["json", "toml"])
def test_settings_as_printed_can_be_given_back(capfd, tmp_path: Path, form: str):
    _, out, _ = run(capfd, "config", "settings", "--format", form)
    (tmp_path / f"s.{form}").write_text(out)
    code, again, _ = run(
        capfd, "config", "settings", "--format", form, "--controls-config", str(tmp_path / f"s.{form}")
    )
    assert (code, again) == (0, out)


def test_a_changed_setting_is_marked(capfd, tmp_path: Path):
    (tmp_path / "s.json").write_text('{"insecureCapabilities": ["SYS_TIME"]}')
    _, out, _ = run(capfd, "config", "settings", "--controls-config", str(tmp_path / "s.json"))
    lines = out.splitlines()
    at = lines.index("insecure_capabilities   C-0046   changed")
    assert lines[at + 1] == "  SYS_TIME"


def test_help_names_every_command(capfd):
    code, out, _ = run(capfd, "--help")
    assert code == 0
    listed = {line.split()[0] for line in out.partition("Every day:")[2].splitlines() if line.strip()}
    assert listed >= {"scan", "list", "explain", "config", "schema", "version"}


def test_nothing_asked_is_help(capfd):
    assert run(capfd)[0] == 0


def test_a_title_that_two_controls_share_shows_both(capfd):
    title = "Ensure that the API Server only makes use of Strong Cryptographic Ciphers"
    code, out, _ = run(capfd, "explain", title)
    assert code == 0
    assert [line.split()[0] for line in out.splitlines() if line.endswith(title)] == ["C-0277", "C-0143"]


def test_every_command_is_a_file_and_every_file_a_command():
    files = (Path(lazy_group.__file__).parent / "commands").glob("[a-z]*.py")
    assert sorted(file.stem.replace("_", "-") for file in files) == list(lazy_group.COMMANDS)
    for name in lazy_group.COMMANDS:
        command = lazy_group.leadline.get_command(click.Context(lazy_group.leadline), name)
        assert command is not None
        assert command.name == name


def test_help_imports_no_command():
    script = "import sys\nfrom leadline.programs.cli.main import main\nmain(['--help'])\n"
    script += "print([name for name in sys.modules if 'commands' in name])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "scan        Scans files" in done.stdout
    assert done.stdout.endswith("[]\n")


def test_an_option_that_is_mistyped_gets_the_nearest(capfd):
    code, out, err = run(capfd, "scan", "--verbos")
    assert (code, out) == (2, "")
    assert err.startswith("leadline: no such option '--verbos'; did you mean --verbose")
    assert err.endswith("? leadline scan --help shows what there is\n")
    _, _, err = run(capfd, "scan", "--bogus")
    assert err == (
        "leadline: no such option '--bogus'; did you mean --verbose? leadline scan --help shows what there is\n"
    )
