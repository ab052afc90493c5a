"""What a scan tells its user to type next, and its remarks on stderr."""

import gc
import re
from pathlib import Path

import pytest

from leadline.programs.cli.main import main

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec: {hostPID: true}\n"
TWICE = POD + "".join(f"{key}: 1\n{key}: 2\n" for key in "abcdefg")
COMMAND = ["scan", "control", "C-0038", "pod.yaml", "--format", "pretty"]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["leadline"])
    Path("pod.yaml").write_text(TWICE)
    yield
    gc.enable()


def advice(capfd: pytest.CaptureFixture[str], *words: str) -> list[str]:
    assert main([*COMMAND, *words]) == 0
    out = re.sub(r" \\\n +", " ", capfd.readouterr().out)
    lines = out[out.index("next ") :].split("\n")[:-2]
    return [
        part.strip() for part in "      ".join(lines).removeprefix("next").split("      ") if part.strip()
    ]


def test_the_next_scan_keeps_what_chooses_and_drops_what_only_looks(capfd):
    flags = ["-e", "kube-system", "-e", "web tier", "--compliance-threshold", "0", "--values", "prod.yaml"]
    assert advice(capfd, *flags) == [
        "leadline explain C-0038",
        "leadline scan control C-0038 pod.yaml --exclude-namespaces kube-system"
        " --exclude-namespaces 'web tier' --values prod.yaml -v",
        "leadline fix control C-0038 pod.yaml --exclude-namespaces kube-system"
        " --exclude-namespaces 'web tier' --values prod.yaml",
    ]


def test_values_in_words_are_not_repeated(capfd):
    assert advice(capfd, "--set", "password=hunter2") == ["leadline explain C-0038"]


def notes(capfd: pytest.CaptureFixture[str], *words: str) -> list[str]:
    main([*COMMAND, *words])
    return [line for line in capfd.readouterr().err.split("\n") if line.startswith("note: ")]


def test_remarks_are_few_and_say_how_to_see_all(capfd):
    shown = notes(capfd)
    assert len(shown) == 6
    assert shown[-1] == "note: and 2 more, -v shows them"


def test_verbose_shows_every_remark(capfd):
    assert [note.split(": ")[2] for note in notes(capfd, "-v")] == [
        f"{key} is written twice; the last one counts" for key in "abcdefg"
    ]


def test_coverage_is_shown_without_the_findings(capfd):
    main(["scan", "control", "C-0038,C-0066", "pod.yaml", "--format", "pretty", "--verbose-coverage"])
    out = capfd.readouterr().out
    assert "  C-0066  Secret/etcd encryption enabled\n          no kube-apiserver Pod\n" in out
    assert "explain C-0066" not in out
