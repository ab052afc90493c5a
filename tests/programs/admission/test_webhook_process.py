"""The webhook as a process: TLS, bad input, numbers, and how it ends."""

import json
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from exporter_process import checked
from reviews import PRIVILEGED, container, deployment, pod, review, with_metadata
from webhook_process import ROOT, WebhookProcess

from leadline.outputs.redaction.log import SafeFormatter
from leadline.outputs.redaction.values import SecretValues
from leadline.programs.admission.main import without_messages

ALONE = ("--no-use-target-waivers",)
SECRET = "correct-horse-battery-staple"


@pytest.fixture(scope="module")
def webhook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookProcess]:
    with WebhookProcess(tmp_path_factory.mktemp("webhook"), *ALONE, "--enforce") as running:
        yield running


def test_a_review_is_answered_and_counted(webhook: WebhookProcess):
    before = webhook.number('leadline_admission_reviews_total{decision="denied",operation="CREATE"}')
    status, content = webhook.send(review(deployment(container(**PRIVILEGED))))
    assert status == 200
    answer = json.loads(content)["response"]
    assert answer["allowed"] is False
    assert "C-0057" in answer["status"]["message"]
    assert (
        webhook.number('leadline_admission_reviews_total{decision="denied",operation="CREATE"}') == before + 1
    )
    assert webhook.number('leadline_admission_findings_total{control="C-0057",effect="denied"}') >= 1
    assert webhook.number("leadline_admission_review_seconds_count") >= 1


@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        (b"", 400, "malformed"),
        (b"{}", 400, "malformed"),
        (b"[" * 2_000_000, 400, "malformed"),
        (b" " * (9 << 20), 413, "body too large"),
    ],
)
def test_what_is_no_review_is_refused_and_counted(
    webhook: WebhookProcess, content: bytes, status: int, reason: str
):
    line = f'leadline_admission_not_judged_total{{reason="{reason}"}}'
    before = webhook.number(line)
    assert webhook.send(content)[0] == status
    assert webhook.number(line) == before + 1
    assert webhook.send(review(pod()))[0] == 200


def test_another_path_is_not_there(webhook: WebhookProcess):
    assert webhook.send(b"{}", "/mutate")[0] == 404
    assert webhook.shown("/")[0] == 404
    assert webhook.shown("/healthz") == (200, "ok\n")


def test_what_is_written_to_the_log_holds_nothing_of_an_object(webhook: WebhookProcess):
    body = with_metadata(
        pod(container(env=[{"name": "PASSWORD", "value": SECRET}], **PRIVILEGED)),
        annotations={"note": SECRET},
        name="web\x1b[31m",
    )
    status, content = webhook.send(review(body, name="web\x1b[31m\n"))
    assert status == 200
    assert SECRET.encode() not in content
    webhook.until(lambda: "denied CREATE of shop/Pod/web" in webhook.log)
    assert SECRET not in webhook.log
    assert "\x1b" not in webhook.log


def test_a_fault_is_logged_by_its_place_and_never_by_what_it_says():
    try:
        raise ValueError(SECRET)
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, "x.py", 1, "control %s failed", ("C-1",), sys.exc_info()
        )
    assert without_messages(record)
    shown = SafeFormatter(SecretValues()).format(record)
    assert SECRET not in shown
    assert "test_webhook_process.py" in shown
    assert shown.endswith("ValueError")


def test_many_at_once_are_all_answered(webhook: WebhookProcess):
    content = review(deployment())
    with ThreadPoolExecutor(16) as pool:
        codes = list(pool.map(lambda _: webhook.send(content)[0], range(64)))
    assert codes == [200] * 64


@pytest.mark.slow
def test_the_largest_that_the_api_server_takes_is_answered(webhook: WebhookProcess):
    many = pod(*({"name": f"c{i}", "image": "b"} for i in range(101_000)))
    status, content = webhook.send(review(many))
    assert status == 200
    assert json.loads(content)["response"]["status"]["message"].endswith("more than 300,000 values")


def test_prometheus_can_read_the_numbers(webhook: WebhookProcess):
    status, text = webhook.shown("/metrics")
    assert status == 200
    assert checked(text) == ""


def test_it_ends_when_it_is_asked_to(tmp_path: Path):
    with WebhookProcess(tmp_path, *ALONE) as running:
        assert running.end(signal.SIGTERM) == 0
        assert "Traceback" not in running.log


def test_it_answers_on_for_a_while_until_no_one_asks_it(tmp_path: Path):
    with WebhookProcess(tmp_path, *ALONE, "--drain-s=4") as running:
        running.child.send_signal(signal.SIGTERM)
        running.until(lambda: running.shown("/readyz")[0] == 503)
        assert running.send(review(pod()))[0] == 200
        assert running.child.wait(30) == 0


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "leadline.programs.cli.main", "admission", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": str(ROOT / "src")},
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give certificate and key, or ownCertificateFor"),
        (("--own-certificate-for=a", "--warn-severity=loud"), "warnSeverity: loud is none of critical, high"),
        (("--own-certificate-for=a", "--enforce", "--deny-severity=none"), "nothing would be denied"),
        (("--own-certificate-for=a", "--deny-controls=C-9999", *ALONE), "unknown control C-9999"),
        (("--own-certificate-for=a", "--deny-controls=C-0260", *ALONE), "C-0260 is not asked at admission"),
        (("--own-certificate-for=a", "--deny-frameworks=nsaa", *ALONE), "unknown framework nsaa"),
        (("--own-certificate-for=a", "--most-warnings=0"), "most_warnings"),
        (("--config=/nowhere",), "cannot read /nowhere"),
        (("--enforced",), "no such option"),
    ],
)
def test_settings_without_a_meaning_are_one_line(arguments: tuple[str, ...], said: str):
    ended = run(*arguments)
    assert ended.returncode == 2, ended.stderr
    last = ended.stderr.splitlines()[-1]
    assert said in last or said.replace("_w", "W") in last, ended.stderr


def test_it_says_which_controls_are_asked_and_why_others_are_not():
    shown = run("--list-controls")
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert any(line.startswith("asked      C-0057 critical") for line in lines)
    assert any(line.startswith("not asked  C-0260") and "other objects" in line for line in lines)
