"""Every mistake in a ``leadline.toml`` is one line with its place, and no file costs more than a moment."""

from pathlib import Path

import pytest

from leadline.errors import LeadlineError
from leadline.programs.cli.options.file import LARGEST_BYTES, LONGEST_LINE, read_config

WRONG = {
    "severty-threshold = 1": "1: unknown key severty-threshold; did you mean severity-threshold?",
    "\nseverity_threshold = 'high'": "2: unknown key severity_threshold; did you mean severity-threshold?",
    "xyz = 1": "1: unknown key xyz; leadline schema config has all of them",
    "severity-threshold = 'hihg'": "1: severity-threshold must be one of low, medium, high, critical (got hihg);",
    "severity-threshold = 5": "1: severity-threshold must be a text;",
    "fail-on = ['high']": "1: fail-on must be one of unread, unmatched (got high);",
    "verbose = 1": "1: verbose must be true or false;",
    "compliance-threshold = true": "1: compliance-threshold must be a number;",
    "compliance-threshold = nan": "1: compliance-threshold must be between 0 and 100;",
    "compliance-threshold = 101": "1: compliance-threshold must be between 0 and 100;",
    "max-db-age = 1.5": "1: max-db-age must be a whole number;",
    "format = [1]": "1: format must be a list of texts;",
    "[scan]\nformat = 'json'": "1: unknown key scan;",
    "[chart]\npath = 'x'": "1: chart is a table for each rendering; write [[chart]] above it",
    "\n[[chart]]\nvalues = []": "2: a [[chart]] needs a path;",
    "[[chart]]\npath='a'\n\n[[chart]]\npath='b'\nvalus=[]": "6: unknown key valus of [[chart]]; did you mean values?",
    "[[chart]]\npath='a'\nvalues=[1]": "3: values must be a list of files;",
    "a = \nb": "1: no valid TOML: invalid value",
    "verbose = true\nverbose = true": "2: no valid TOML: cannot overwrite a value",
    "x = [": "1: no valid TOML:",
    "x = '\x00'": "1: no valid TOML:",
}


def mistake(path: Path) -> str:
    with pytest.raises(LeadlineError) as found:
        read_config(str(path), "leadline.toml")
    assert "\n" not in str(found.value)
    return str(found.value)


@pytest.mark.parametrize("text", WRONG)
def test_a_mistake_has_its_line_and_what_was_meant(tmp_path: Path, text: str):
    (tmp_path / "leadline.toml").write_text(text)
    assert mistake(tmp_path / "leadline.toml").startswith(f"leadline.toml:{WRONG[text]}")


def test_what_is_no_text_is_said_with_its_line(tmp_path: Path):
    (tmp_path / "c.toml").write_bytes(b"verbose = true\n# \xff")
    assert mistake(tmp_path / "c.toml") == "leadline.toml:2: no UTF-8; save the file as UTF-8"


@pytest.mark.parametrize(
    "content",
    [
        "x = " + "[" * (LONGEST_LINE - 10),
        "x = " + "\n[" * 20_000,
        ("a" + ".a" * (LONGEST_LINE // 2 - 2) + " = 1\n") * (LARGEST_BYTES // LONGEST_LINE),
        "#" * (LARGEST_BYTES + 1),
        "a" + ".a" * LONGEST_LINE + " = 1",
    ],
    ids=["deep", "deep in lines", "dots", "large", "one long key"],
)
def test_hostile_files_end_in_one_line(tmp_path: Path, content: str):
    (tmp_path / "c.toml").write_text(content)
    assert len(mistake(tmp_path / "c.toml")) < 300


def test_a_pipe_is_no_configuration(tmp_path: Path):
    import os

    os.mkfifo(tmp_path / "c.toml")
    assert mistake(tmp_path / "c.toml") == "cannot read leadline.toml: it is a named pipe, not a file"
    assert mistake(tmp_path / "missing.toml") == "cannot read leadline.toml: no such file or directory"


def test_paths_start_from_the_folder_of_the_file(tmp_path: Path):
    (tmp_path / "c.toml").write_text(
        "waivers = ['w.yaml']\nstore = 'kube'\nexclude-path = ['old/']\nkubeconfig = '/etc/k'\n"
        "[[chart]]\npath = 'charts/shop'\nvalues = ['prod.yaml']\n"
    )
    found = read_config(str(tmp_path / "c.toml"), "c.toml")
    assert dict(found.values) == {
        "waivers": (str(tmp_path / "w.yaml"),),
        "store": "kube",
        "exclude-path": ("old/",),
        "kubeconfig": "/etc/k",
    }
    assert [(one.path, one.values, one.line) for one in found.charts] == [
        (str(tmp_path / "charts/shop"), (str(tmp_path / "prod.yaml"),), 5)
    ]


def test_a_severity_may_be_written_in_any_case(tmp_path: Path):
    (tmp_path / "c.toml").write_text("severity-threshold = 'HIGH'\n'min-severity' = ' Low '")
    found = read_config(str(tmp_path / "c.toml"), "c.toml")
    assert dict(found.values) == {"severity-threshold": "high", "min-severity": "low"}
    assert dict(found.lines) == {"severity-threshold": 1, "min-severity": 2}
