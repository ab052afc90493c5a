"""Notes, errors and changes break at words where a terminal would break within them."""

import os
import pty

import pytest

from leadline.programs.cli.output.terminal import at_words

LINE = "note: deploy/app.yaml:12: metadata.labels is written twice; the last one counts"


def test_a_terminal_gets_lines_that_end_between_words(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("COLUMNS", "40")
    master, terminal = pty.openpty()
    try:
        lines = list(at_words([LINE, "  short"], terminal))
    finally:
        os.close(master)
        os.close(terminal)
    assert lines == [
        "note: deploy/app.yaml:12:",
        "  metadata.labels is written twice; the",
        "  last one counts",
        "  short",
    ]
    assert max(map(len, lines)) <= 40


def test_a_pipe_gets_lines_as_they_are():
    reader, writer = os.pipe()
    try:
        assert list(at_words([LINE], writer)) == [LINE]
    finally:
        os.close(reader)
        os.close(writer)
