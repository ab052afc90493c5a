"""No command writes a line that is wider than the terminal, unless it is one word."""

from pathlib import Path

import pytest

from leadline.programs.cli.main import main
from outputs.screen_width import too_wide

COMMANDS = (
    ("--help",),
    ("scan", "--help"),
    ("image", "--help"),
    ("image", "scan", "--help"),
    ("image", "sbom", "--help"),
    ("db", "--help"),
    ("db", "build", "--help"),
    ("list", "controls"),
    ("list", "frameworks"),
    ("config",),
    ("config", "settings"),
    ("rbac",),
    ("explain", "C-0057"),
    ("explain", "C-0211"),
    ("explain", "C-0012"),
    ("image", "sbom", "examples/shop"),
    ("scan", "image", "examples/shop"),
    ("scan", "image", "examples/shop", "-v"),
    ("scan", "image", "examples/image/web.tar", "-v", "-f", "table"),
    ("fix", "--help"),
    ("waiver", "--help"),
    ("waiver", "test", "--help"),
    ("image", "diff", "--help"),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_line_is_wider_than_the_terminal(words, capfd, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[3])
    # The library that writes help takes 50 columns at least.
    # So is the name of an API group that a role names.
    narrow = () if "--help" in words or words[0] == "rbac" else (40,)
    for width in (*narrow, 60, 61, 72, 80, 81, 99, 100, 130, 131, 200):
        monkeypatch.setenv("COLUMNS", str(width))
        main(list(words))
        assert too_wide(capfd.readouterr().out, width) == [], width


def test_long_paths_of_a_comparison_are_broken_after_their_dots(capfd, monkeypatch, tmp_path):
    monkeypatch.chdir(Path(__file__).parents[3])
    for width in (60, 80):
        monkeypatch.setenv("COLUMNS", str(width))
        assert main(["diff", str(tmp_path), "examples/shop"]) == 0
        lines = capfd.readouterr().out.splitlines()
        assert [line for line in lines if len(line) > width] == []
        assert any(line.endswith("securityContext.") for line in lines)


def test_a_list_in_a_pipe_is_a_row_a_line(capfd, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    main(["list", "controls"])
    header, *rows = capfd.readouterr().out.split("\n\n")[0].splitlines()
    assert header.split() == ["CONTROL", "SEVERITY", "JUDGED", "PROBLEM"]
    assert all(row[:2] in ("C-", "L-") for row in rows)
