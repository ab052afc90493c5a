"""What the operator says to whoever starts it."""

import logging
from pathlib import Path

import pytest

from leadline.programs.cli.main import main
from leadline.programs.operator.images.notes import DatabaseWatch


def test_without_a_cluster_it_says_how_to_name_one_and_nothing_of_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert main(["operator"]) == 3
    said = capsys.readouterr().err
    assert "no cluster is configured" in said
    assert "--kubeconfig" in said
    assert "scan files" not in said


@pytest.mark.parametrize(
    ("address", "level", "said"),
    [
        (
            "https://db.example/v.db",
            "INFO",
            "wait for the vulnerability database: it is fetched from https://db.example/v.db",
        ),
        ("", "WARNING", "the vulnerability database cannot be read"),
    ],
)
def test_a_database_that_is_not_there_is_said_once_and_whether_it_comes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, address: str, level: str, said: str
):
    watch = DatabaseWatch(str(tmp_path / "v.db"), address)
    with caplog.at_level(logging.INFO):
        assert [watch.version(), watch.version()] == ["", ""]
    (one,) = caplog.records
    assert one.levelname == level
    assert said in one.getMessage()


def test_a_damaged_database_is_a_warning_though_another_is_fetched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "v.db").write_bytes(b"no database")
    watch = DatabaseWatch(str(tmp_path / "v.db"), "https://db.example/v.db")
    assert watch.version() == ""
    assert [one.levelname for one in caplog.records] == ["WARNING"]
