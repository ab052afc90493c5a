"""``.ci/nightly``: what is in no part runs in ``.ci/run``, what is in a part only there, and no part is empty."""

import subprocess
import sys
from pathlib import Path

import pytest

import nightly_parts

ROOT = Path(__file__).resolve().parents[1]
pytest_plugins = ("pytester",)

TESTS = """
import pytest
def test_each_time(): pass
@pytest.mark.nightly("matrices")
def test_at_night(): pass
"""


def nightly(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / ".ci" / "nightly", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_the_parts_that_exist_are_listed():
    listed = nightly()
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(nightly_parts.existing_parts())
    assert "fuzz" in nightly_parts.existing_parts()


def test_an_unknown_part_is_refused_in_one_line():
    refused = nightly("nothing")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("unknown part: nothing; use one of fuzz")
    assert refused.stderr.count("\n") == 1


def test_every_mark_and_every_script_is_of_a_known_part():
    assert nightly_parts.marked_parts() - nightly_parts.PARTS.keys() == set()
    scripts = {script for part in nightly_parts.PARTS for script in nightly_parts.scripts_of(part)}
    assert set(nightly_parts.SCRIPTS.iterdir()) == scripts
    assert [script.name for script in scripts if not script.stat().st_mode & 0o100] == []


@pytest.mark.parametrize(
    ("options", "run", "code"),
    [
        ((), "test_each_time", pytest.ExitCode.OK),
        (("--nightly", "matrices"), "test_at_night", pytest.ExitCode.OK),
        (("--nightly", "kernel"), None, pytest.ExitCode.NO_TESTS_COLLECTED),
    ],
)
def test_a_test_runs_in_its_own_part_only(
    pytester: pytest.Pytester, options: tuple[str, ...], run: str | None, code: pytest.ExitCode
):
    pytester.makepyfile(TESTS)
    result = pytester.inline_run("-p", "nightly_parts", *options)
    passed, skipped, failed = result.listoutcomes()
    assert [report.nodeid.rpartition("::")[2] for report in passed] == ([run] if run else [])
    assert (skipped, failed, result.ret) == ([], [], code)
