"""What ``import leadline`` offers, and that its page is true."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import leadline
from image_archives import docker_archive, layer

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
