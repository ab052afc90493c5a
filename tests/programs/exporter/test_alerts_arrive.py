"""Alerts of a real exporter over a real store, at a real Alertmanager, a webhook, Slack's form and a syslog server."""

import json
from pathlib import Path
from typing import Any

import pytest
from exporter_process import ExporterProcess
from prometheus_server import Alertmanager, needs_prometheus, wait_until
from receiving import Inbox, SyslogServer
from scanned import deployment
from stored import store

from leadline.programs.cli.main import main


def alerts_file(folder: Path, *receivers: dict[str, Any]) -> list[str]:
    """The arguments; JSON is YAML."""
    thresholds = {"workloads": {"controls": {"critical": 0}}, "exploited": True, "newCritical": True}
    file = folder / "alerts.yaml"
    file.write_text(json.dumps({"thresholds": thresholds, "receivers": receivers}))
    return [f"--alerts={file}", f"--alerts-state={folder / 'state.json'}"]


def names(notifications: list[Any]) -> list[tuple[str, str, str]]:
    """Status, name and workload of every alert that was notified."""
    return sorted(
        (alert["status"], alert["labels"]["alertname"], alert["labels"].get("workload", ""))
        for body in notifications
        for alert in body["alerts"]
    )


BOTH = [
    ("firing", "LeadlineExploitedVulnerability", "web"),
    ("firing", "LeadlineWorkloadControls", "web"),
]


@needs_prometheus
def test_alertmanager_is_notified_once_and_of_the_end_once_over_restarts_of_both(tmp_path: Path):
    file = store(tmp_path, deployment("web"))
    with Inbox() as inbox, Alertmanager(tmp_path, inbox.url) as alertmanager:
        arguments = alerts_file(tmp_path, {"alertmanager": {"url": alertmanager.url}})
        with ExporterProcess(tmp_path, str(file), *arguments):
            wait_until(lambda: len(names(inbox.bodies)) >= 2)
            (controls,) = [
                alert
                for alert in alertmanager.alerts()
                if alert["labels"]["alertname"] == "LeadlineWorkloadControls"
            ]
            assert controls["labels"] == {
                "alertname": "LeadlineWorkloadControls",
                "controls": "C-0057",
                "namespace": "shop",
                "severity": "critical",
                "workload": "web",
                "workload_kind": "deployment",
            }
            assert "fails 1 control" in controls["annotations"]["summary"]
        alertmanager.stop()
        with ExporterProcess(tmp_path, str(file), *arguments) as exporter:
            # The fix, while Alertmanager is away.
            store(tmp_path, deployment("web", privileged=False))
            exporter.wait_until_shown('leadline_alert_failures{receiver="alertmanager 127.0.0.1', shown=True)
            exporter.wait_until_shown("leadline_alerts_firing 1.0")
            alertmanager.start()
            wait_until(lambda: len(names(inbox.bodies)) >= 3)
        assert names(inbox.bodies) == [*BOTH, ("resolved", "LeadlineWorkloadControls", "web")]


def test_every_other_receiver_gets_each_alert_once(tmp_path: Path):
    file = store(tmp_path, deployment("web"))
    with Inbox() as webhook, Inbox() as slack, SyslogServer("udp") as udp, SyslogServer("tcp") as tcp:
        arguments = alerts_file(
            tmp_path,
            {"webhook": {"url": webhook.url}},
            {"slack": {"url": slack.url}},
            {"syslog": {"address": udp.address}},
            {"syslog": {"address": tcp.address}},
        )
        with ExporterProcess(tmp_path, str(file), *arguments):
            wait_until(
                lambda: webhook.bodies and slack.bodies and len(udp.messages) == len(tcp.messages) == 2
            )
        with ExporterProcess(tmp_path, str(file), *arguments) as exporter:
            store(tmp_path, deployment("web", privileged=False))
            wait_until(
                lambda: (
                    len(webhook.bodies) == len(slack.bodies) == 2
                    and len(udp.messages) == len(tcp.messages) == 3
                )
            )
            assert "secret" not in exporter.metrics()
            assert "secret" not in exporter.log.read_text()
        assert names(webhook.bodies[:1]) == BOTH
        assert names(webhook.bodies[1:]) == [("resolved", "LeadlineWorkloadControls", "web")]
        assert [body["text"] for body in slack.bodies] == [
            "firing: shop/deployment/web (2 alerts)",
            "over: shop/deployment/web (1 alert)",
        ]
        assert sum(b"] over: " in message for message in udp.messages) == 1
    assert "secret" not in (tmp_path / "state.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "code", "part"),
    [
        (["--alerts=missing.yaml"], 2, "--alerts needs --alerts-state FILE"),
        (["--alerts=missing.yaml", "--alerts-state=state.json"], 3, "cannot read missing.yaml"),
        (["--alerts=wrong.yaml", "--alerts-state=state.json"], 2, "NSAA is not a framework"),
        (["--alerts=good.yaml", "--alerts-state=/proc/no/state.json"], 3, "cannot write"),
    ],
)
def test_wrong_settings_are_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    part: str,
):
    monkeypatch.chdir(tmp_path)
    receivers = "receivers: [{syslog: {address: udp://127.0.0.1:9}}]\n"
    (tmp_path / "good.yaml").write_text(receivers)
    (tmp_path / "wrong.yaml").write_text(f"{receivers}thresholds: {{frameworks: {{NSAA: 5}}}}\n")
    assert main(["exporter", "--store=results.db", *arguments]) == code
    said = capsys.readouterr().err
    assert part in said
    assert len(said.splitlines()) == 1
