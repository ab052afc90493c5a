"""The rules and the dashboard of the chart, by Prometheus' own tools."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from exporter_process import ExporterProcess
from prometheus_server import Alertmanager, Prometheus, needs_prometheus, wait_until
from scanned import deployment
from stored import store
from test_chart import CHART, of_kind, render

from leadline.programs.apiserver.refused_writes import NAME
from leadline.programs.exporter.metrics import TABLE

ADMISSION = {
    f"leadline_admission_{name}"
    for name in ("trusted", "not_judged_total", "reviews_total", "review_seconds_bucket")
}
THRESHOLDS = {
    "workloads": {"controls": {"critical": 0}, "vulnerabilities": {"critical": 5, "high": 1000000}},
    "namespaces": {"*": {"controls": {"high": 100}}, "shop": {"controls": {"high": 5}}},
    "cluster": {"controls": {"medium": 20}},
    "frameworks": {"NSA": 70, "MITRE": 65.5},
    "scanAge": {"posture": "26h", "images": "2d"},
}


def over(thresholds: dict[str, Any]) -> str:
    return f"alerts.thresholds={json.dumps(thresholds)}"


ALL = over(THRESHOLDS)
needs_promtool = pytest.mark.skipif(not shutil.which("promtool"), reason="promtool is not installed")
UP = {"series": 'leadline_store_up{instance="a"}', "values": "1x600"}
WEB = 'namespace="shop",workload="web",workload_kind="deployment"'


def rules(*values: str) -> str:
    (found,) = [
        one
        for one in of_kind("ConfigMap", render('prometheus.rules.as="ConfigMap"', *values))
        if "leadline.yaml" in one["data"]
    ]
    return str(found["data"]["leadline.yaml"])


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=120)


@needs_promtool
@pytest.mark.parametrize("values", [(), (ALL,)], ids=["defaults", "every threshold"])
def test_promtool_takes_the_rules(tmp_path: Path, values: tuple[str, ...]):
    (tmp_path / "rules.yaml").write_text(rules(*values))
    run = promtool("check", "rules", str(tmp_path / "rules.yaml"))
    assert run.returncode == 0, run.stdout + run.stderr
    assert "SUCCESS" in run.stdout


def test_both_forms_hold_the_same_rules():
    (made,) = of_kind(
        "PrometheusRule",
        render('prometheus.rules.as="PrometheusRule"', 'prometheus.rules.labels={"team":"a"}', ALL),
    )
    assert made["spec"] == yaml.safe_load(rules(ALL))
    assert made["metadata"]["labels"]["team"] == "a"
    assert of_kind("PrometheusRule", render()) == []


def test_what_is_turned_off_is_no_rule():
    names_of_off = ("workloads", "databaseAge", "scanAge", "unread")
    off = over({**dict.fromkeys(names_of_off), "exploited": False, "newCritical": False})
    names = {rule["alert"] for group in yaml.safe_load(rules(off))["groups"] for rule in group["rules"] or ()}
    assert names == {
        "LeadlineOperatorSilent",
        "LeadlineScanFailed",
        "LeadlineQueueStuck",
        "LeadlineStoreLost",
        "LeadlineWritesRefused",
        "LeadlineExporterDown",
        "LeadlineUnreadableResults",
        "LeadlineSeriesLeftOut",
        "LeadlineAlertsNotDelivered",
    }


def test_every_rule_and_panel_asks_for_metrics_that_there_are():
    known = {metric.name for metric in TABLE} | {
        NAME,
        *ADMISSION,
        *("leadline_store_up", "leadline_store_bytes", "leadline_alerts_waiting", "leadline_store_losses"),
    }
    asked = [
        rule["expr"]
        for group in yaml.safe_load(rules(ALL, "capabilities.admission=true"))["groups"]
        for rule in group["rules"]
    ]
    asked += [expression for _, expression in panels()]
    words = {word for text in asked for word in _words(text) if word.startswith(("leadline_", "kubescape_"))}
    assert words <= known
    assert len(words) > 20


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()


def alerts_of(name: str, at: str, *labels: dict[str, str]) -> dict[str, Any]:
    return {"eval_time": at, "alertname": name, "exp_alerts": [{"exp_labels": one} for one in labels]}


CASES: dict[str, tuple[list[dict[str, str]], list[tuple[str, str, list[dict[str, str]]]]]] = {
    "a workload begins to fail and is fixed": (
        [
            UP,
            {
                "series": f'leadline_workload_failing_controls{{severity="critical",controls="C-0057",instance="a",{WEB}}}',
                "values": "_x4 1x3 stale",
            },
        ],
        [
            ("LeadlineWorkloadControls", "3m", []),
            (
                "LeadlineWorkloadControls",
                "5m",
                [
                    {
                        "severity": "critical",
                        "namespace": "shop",
                        "workload": "web",
                        "workload_kind": "deployment",
                        "controls": "C-0057",
                    }
                ],
            ),
            ("LeadlineWorkloadControls", "8m", []),
        ],
    ),
    "writes of ours are refused for good, those of others and conflicts are no alert": (
        [
            UP,
            *(
                {
                    "series": f'{NAME}{{by="{by}",reason="{reason}",resource="scanruns"}}',
                    "values": "0 1+2x8 17x20",
                }
                for by, reason in (
                    ("leadline", "InsufficientStorage"),
                    ("leadline", "Conflict"),
                    ("others", "Invalid"),
                )
            ),
        ],
        [
            ("LeadlineWritesRefused", "4m", []),
            (
                "LeadlineWritesRefused",
                "8m",
                [
                    {
                        "severity": "high",
                        "resource": "scanruns",
                        "reason": "InsufficientStorage",
                        "rule_name": "InsufficientStorage",
                    }
                ],
            ),
            ("LeadlineWritesRefused", "28m", []),
        ],
    ),
    "another exporter pod is not another alert": (
        [
            UP,
            {
                "series": f'leadline_workload_failing_controls{{severity="critical",controls="C-0057",instance="a",{WEB}}}',
                "values": "1x5 stale",
            },
            {
                "series": f'leadline_workload_failing_controls{{severity="critical",controls="C-0057",instance="b",{WEB}}}',
                "values": "_x4 1x9",
            },
        ],
        [
            (
                "LeadlineWorkloadControls",
                at,
                [
                    {
                        "severity": "critical",
                        "namespace": "shop",
                        "workload": "web",
                        "workload_kind": "deployment",
                        "controls": "C-0057",
                    }
                ],
            )
            for at in ("4m", "5m", "6m", "8m")
        ],
    ),
    "a vanished workload ends its alert": (
        [
            UP,
            {
                "series": f'leadline_workload_failing_controls{{severity="critical",controls="C-0057",{WEB}}}',
                "values": "1x5 stale",
            },
        ],
        [("LeadlineWorkloadControls", "8m", [])],
    ),
    "while the store is lost nothing ends": (
        [
            {"series": "leadline_store_up", "values": "1x5 0x30 1x30"},
            {
                "series": f'leadline_workload_failing_controls{{severity="critical",controls="C-0057",{WEB}}}',
                "values": "1x6 stale",
            },
        ],
        [
            (
                "LeadlineWorkloadControls",
                "20m",
                [
                    {
                        "severity": "critical",
                        "namespace": "shop",
                        "workload": "web",
                        "workload_kind": "deployment",
                        "controls": "C-0057",
                    }
                ],
            ),
            ("LeadlineStoreLost", "6m", []),
            ("LeadlineStoreLost", "9m", [{"severity": "critical"}]),
            ("LeadlineWorkloadControls", "40m", []),
            ("LeadlineStoreLost", "40m", []),
        ],
    ),
    "an exporter that is away is an alert, and ends none": (
        [
            {"series": "leadline_store_up", "values": "1x5 stale"},
            {
                "series": 'leadline_exploited_vulnerabilities{workload_container_name="main",' + WEB + "}",
                "values": "1x5 stale",
            },
        ],
        [
            ("LeadlineExporterDown", "20m", [{"severity": "critical"}]),
            (
                "LeadlineExploitedVulnerability",
                "20m",
                [
                    {
                        **{
                            "severity": "critical",
                            "namespace": "shop",
                            "workload": "web",
                            "workload_kind": "deployment",
                        },
                        **{"workload_container_name": "main", "container_name": "main"},
                    }
                ],
            ),
        ],
    ),
    "namespaces by their own threshold": (
        [
            UP,
            {"series": 'kubescape_controls_total_namespace_high{namespace="shop"}', "values": "6x10"},
            {"series": 'kubescape_controls_total_namespace_high{namespace="bank"}', "values": "6x10"},
            {"series": 'kubescape_controls_total_namespace_high{namespace="big"}', "values": "101x10"},
            {"series": "kubescape_controls_total_cluster_medium", "values": "21x10"},
        ],
        [
            (
                "LeadlineNamespaceControls",
                "2m",
                [{"severity": "high", "namespace": name} for name in ("shop", "big")],
            ),
            ("LeadlineClusterControls", "2m", [{"severity": "medium"}]),
        ],
    ),
    "new critical vulnerabilities, not those of the first day": (
        [
            UP,
            *(
                {
                    "series": f'kubescape_vulnerabilities_total_workload_critical{{workload="{name}",workload_container_name="c"}}',
                    "values": values,
                }
                for name, values in (("old", "3x300"), ("more", "3x200 4x100"), ("new", "_x200 1x100"))
            ),
        ],
        [
            ("LeadlineNewCriticalVulnerability", "60m", []),
            (
                "LeadlineNewCriticalVulnerability",
                "210m",
                [
                    {
                        "severity": "critical",
                        "workload": name,
                        "workload_container_name": "c",
                        "container_name": "c",
                    }
                    for name in ("more", "new")
                ],
            ),
        ],
    ),
    "a score too low": (
        [UP, {"series": 'leadline_compliance_score{framework="NSA"}', "values": "71x5 69x20"}],
        [
            ("LeadlineFrameworkScore", "5m", []),
            ("LeadlineFrameworkScore", "20m", [{"severity": "high", "framework": "NSA"}]),
        ],
    ),
    "a scan too old, and one that never was": (
        [
            {"series": "leadline_store_up", "values": "1x2000"},
            {"series": 'leadline_scan_timestamp_seconds{subject="posture"}', "values": "0x2000"},
        ],
        [
            ("LeadlineScanTooOld", "25h", [{"severity": "high", "rule_name": "images"}]),
            (
                "LeadlineScanTooOld",
                "27h",
                [
                    {"severity": "high", "rule_name": "images"},
                    {"severity": "high", "rule_name": "posture", "subject": "posture"},
                ],
            ),
        ],
    ),
    "coverage that is lost": (
        [
            UP,
            {"series": 'leadline_unread{subject="posture",reason="forbidden"}', "values": "0x5 3x100"},
            {"series": 'leadline_unread{subject="images",reason="incomplete"}', "values": "5x100"},
            {"series": 'leadline_image_scans{phase="Unauthorized"}', "values": "2x100"},
            {"series": 'leadline_image_scans{phase="Pending"}', "values": "9x100"},
        ],
        [
            ("LeadlineCoverageLost", "5m", []),
            (
                "LeadlineCoverageLost",
                "30m",
                [{"severity": "high", "subject": "posture", "rule_name": "posture"}],
            ),
            (
                "LeadlineImagesNotScanned",
                "90m",
                [{"severity": "high", "phase": "Unauthorized", "rule_name": "Unauthorized"}],
            ),
        ],
    ),
}


@needs_promtool
@pytest.mark.parametrize("case", CASES)
def test_promtool_finds_the_alerts(tmp_path: Path, case: str):
    series, wanted = CASES[case]
    thresholds = {**THRESHOLDS, "unread": 0, "exploited": True, "newCritical": True}
    (tmp_path / "rules.yaml").write_text(rules(over(thresholds)))
    text = yaml.safe_load((tmp_path / "rules.yaml").read_text())
    # Texts are compared whole by promtool, and are not what is asked here.
    for group in text["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(text))
    test = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "alert_rule_test": [alerts_of(name, at, *labels) for name, at, labels in wanted],
            }
        ],
    }
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(test))
    run = promtool("test", "rules", str(tmp_path / "test.yaml"))
    assert run.returncode == 0, run.stdout + run.stderr


def panels() -> list[tuple[str, str]]:
    """Title and expression of every query of the dashboard."""
    board = json.loads((CHART / "dashboards" / "leadline.json").read_text())
    return [
        (panel["title"], target["expr"]) for panel in board["panels"] for target in panel.get("targets", ())
    ]


def test_the_dashboard_is_whole():
    (made,) = [
        one
        for one in of_kind("ConfigMap", render('prometheus.dashboard={"enabled":true}'))
        if "leadline.json" in one["data"]
    ]
    board = json.loads(made["data"]["leadline.json"])
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    variables = {variable["name"] for variable in board["templating"]["list"]}
    assert variables == {"datasource", "namespace"}
    for panel in board["panels"]:
        assert panel["title"]
        if panel["type"] != "row":
            assert panel["datasource"]["uid"] == "${datasource}"
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in board["panels"]]
    assert len(set(places)) == len(places)


@needs_prometheus
def test_every_panel_has_an_answer_and_alerts_of_the_rules_arrive(tmp_path: Path):
    (tmp_path / "rules.yaml").write_text(rules())
    file = store(tmp_path, deployment("web"), "apiVersion: v1\nkind: [\n---\n")
    with (
        ExporterProcess(tmp_path, str(file)) as exporter,
        Alertmanager(tmp_path) as alertmanager,
        Prometheus(
            tmp_path, exporter.address, rules=tmp_path / "rules.yaml", alertmanager=alertmanager.address
        ) as prometheus,
    ):
        prometheus.wait_until(lambda: prometheus.query("leadline_store_up"))
        shown = {title for title, text in panels() if prometheus.query(text.replace("$namespace", ".*"))}
        # The webhook is another program. A severity without a finding has no series, and others of its panel have.
        assert {title for title, _ in panels()} - shown == {
            "How long a write waits, 99 of 100",
            "Writes that were judged, in a second",
        }
        wait_until(
            lambda: (
                {alert["labels"]["alertname"] for alert in alertmanager.alerts()}
                >= {"LeadlineWorkloadControls", "LeadlineExploitedVulnerability"}
            )
        )
        (controls,) = [
            a for a in alertmanager.alerts() if a["labels"]["alertname"] == "LeadlineWorkloadControls"
        ]
        # The same as the exporter sends by itself.
        assert controls["labels"] == {
            "alertname": "LeadlineWorkloadControls",
            "namespace": "shop",
            "severity": "critical",
            "workload": "web",
            "workload_kind": "deployment",
            "controls": "C-0057",
        }
        assert controls["annotations"]["summary"].startswith("shop/deployment/web has 1 failed controls")
