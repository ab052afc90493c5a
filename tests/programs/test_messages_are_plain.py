"""Whatever the words of a command line hold, no message steers a terminal or gives a pipeline's log a command."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from leadline.programs.cli.main import main

WORDS = (
    "##vso[task.setvariable]x",
    "##teamcity[message]##[add-mask]x",
    "::error file=x::y",
    "x\n::error::y\r##[z]\x1b[31m\x9b31m\u202ea\u2066\u2028::add-mask::x",
)
COMMANDS: Sequence[Sequence[str]] = (
    ("scan", "WORD"),
    ("scan", "--context", "WORD"),
    ("scan", ".", "--format", "WORD"),
    ("scan", ".", "-o", "/nonexistent/WORD"),
    ("scan", ".", "--controls", "WORD"),
    ("scan", "framework", "WORD", "."),
    ("scan", "control", "WORD", "."),
    ("scan", "workload", "WORD", "."),
    ("scan", ".", "--controls-config", "WORD"),
    ("scan", ".", "--WORD"),
    ("scan", ".", "--values", "WORD"),
    ("scan", "https://127.0.0.1:1/WORD"),
    ("scan", "git@127.0.0.1:WORD"),
    ("scan", ".", "--severity-threshold", "WORD"),
    ("scan", ".", "--fail-on", "WORD"),
    ("scan", "--kubeconfig", "WORD"),
    ("scan", ".", "--framework-file", "WORD"),
    ("scan", ".", "--store", "WORD/x"),
    ("scan", ".", "--compliance-threshold", "WORD"),
    ("scan", "image", "WORD"),
    ("scan", "image", "x", "--db", "WORD"),
    ("scan", "image", "127.0.0.1:1/x", "--mirror", "WORD"),
    ("scan", "image", "--from-manifests", "WORD"),
    ("image", "sbom", "WORD"),
    ("image", "sbom", "x", "--platform", "WORD"),
    ("image", "diff", "WORD", "WORD"),
    ("explain", "WORD"),
    ("explain", "CVE-1", "--db", "WORD"),
    ("list", "WORD"),
    ("list", "controls", "WORD"),
    ("rbac", "framework", "WORD"),
    ("config", "WORD"),
    ("schema", "WORD"),
    ("db", "WORD"),
    ("db", "update", "--from", "WORD"),
    ("db", "import", "WORD"),
    ("fix", "WORD"),
    ("WORD",),
    ("apiserver", "--WORD"),
    (
        "apiserver",
        "--database",
        "/nonexistent/WORD",
        "--kube",
        "WORD",
        "--certificate",
        "WORD",
        "--key",
        "WORD",
    ),
)
OBEYED = re.compile(
    r"##vso\[|##\[|##teamcity\[|(?:^|[\n\r])\s*::[a-z]|[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]"
)


@pytest.fixture(autouse=True)
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KUBECONFIG", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LEADLINE_DB"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_message_is_obeyed(words: Sequence[str], capfd: pytest.CaptureFixture[str]) -> None:
    for word in WORDS:
        code = main([one.replace("WORD", word) for one in words])
        out, err = capfd.readouterr()
        assert code != 4
        assert (OBEYED.search(out), OBEYED.search(err)) == (None, None)
