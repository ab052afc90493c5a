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
