"""The exporter as it is started: over a file that commands go on writing."""

import gzip
import shutil
import socket
import urllib.request
from pathlib import Path

import pytest
from exporter_process import ExporterProcess, checked
from scanned import deployment
from stored import store

from leadline.programs.cli.main import main


def test_it_answers_for_a_file_that_commands_go_on_writing(tmp_path: Path):
    file = store(tmp_path, deployment("web"), deployment("pay", "bank"))
    with ExporterProcess(tmp_path, str(file)) as exporter:
        metrics = exporter.metrics()
        assert 'kubescape_controls_total_workload_critical{namespace="bank",workload="pay"' in metrics
        store(tmp_path, deployment("web"))
        exporter.wait_until_shown('namespace="bank"', shown=False)
        assert 'namespace="shop"' in exporter.metrics()


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
def test_promtool_has_nothing_to_complain_about(tmp_path: Path):
    with ExporterProcess(tmp_path, str(store(tmp_path, deployment("web")))) as exporter:
        metrics = exporter.metrics()
        assert "leadline_exploited_vulnerabilities" in metrics
        assert checked(metrics) == ""
        assert checked("1 bad{") != ""


def test_it_waits_for_a_store_and_says_that_it_has_none(tmp_path: Path):
    exporter = ExporterProcess(tmp_path, str(tmp_path / "results.db"))
    try:
        exporter.wait_until_shown("leadline_store_up 0.0")
        assert "kubescape_" not in exporter.metrics()
        assert exporter.get("/readyz") == (503, "the store is not read\n")
        assert exporter.get("/healthz") == (200, "ok\n")
        store(tmp_path, deployment("web"))
        exporter.wait_until_ready()
        assert "leadline_store_up 1.0" in exporter.metrics()
        assert "there is no store" in exporter.log.read_text()
    finally:
        exporter.stop()


def test_the_size_of_the_store_is_that_of_its_files(tmp_path: Path):
    file = store(tmp_path, deployment("web"))
    with ExporterProcess(tmp_path, str(file), f"--store-file={file}") as exporter:
        size = file.stat().st_size
        (found,) = [
            line for line in exporter.metrics().split("\n") if line.startswith("leadline_store_bytes")
        ]
        assert float(found.split()[1]) >= size > 10_000


def test_other_questions_are_answered_shortly(tmp_path: Path):
    with ExporterProcess(tmp_path, str(store(tmp_path, deployment("web")))) as exporter:
        assert exporter.get("/")[0] == 404
        assert exporter.get("/metrics", "POST")[0] == 405
        assert exporter.get("/metrics", "HEAD") == (200, "")


@pytest.mark.parametrize("arguments", [("--port=x",), ("--max-series=0",), ("--nonsense",), ("words",)])
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]):
    assert main(["exporter", *arguments]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_port_that_is_taken_ends_it(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["exporter", f"--store={tmp_path / 'r.db'}", "--host=127.0.0.1", f"--port={port}"]) == 2
    assert capfd.readouterr().err == (
        f"leadline: cannot listen at 127.0.0.1:{port}: address already in use; name another address or port\n"
    )


def test_an_answer_is_packed_for_those_that_ask_for_it(tmp_path: Path):
    with ExporterProcess(tmp_path, str(store(tmp_path, deployment("web")))) as exporter:
        plain = exporter.metrics()
        request = urllib.request.Request(
            f"http://{exporter.address}/metrics", headers={"Accept-Encoding": "gzip"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            packed = answer.read()
            assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(packed).decode() == plain
        assert len(packed) < len(plain) / 4
