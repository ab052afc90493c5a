"""One scan through all surfaces: each counts findings and edits, calls them alike and comes to the same numbers."""

import asyncio
import csv
import io
import json
import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import pytest
from msgspec.structs import asdict

import leadline
from leadline.api.carriers.local_reading import LocalReader
from leadline.api.protocol import Paging
from leadline.api.selection import Selection
from leadline.model.control import severity_of
from leadline.model.report import PostureReport
from leadline.outputs.rows.no_places import NoPlaces
from leadline.programs.cli.main import main
from leadline.programs.mcp.calls import Calls
from leadline.scans.answering.evidence import Evidence, Given
from leadline.scans.options import PostureOptions
from leadline.scans.pages.page import Ask, Counts, Facts, Table
from leadline.scans.pages.reading import read_folder
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.world import World
from leadline.scans.stored.history.days import CLUSTER, days_of
from leadline.scans.submitting.submission import whole_report

SHOP = Path(__file__).parents[3] / "examples" / "shop"
WAIVERS = "waivers: [{name: known, reason: looked at, match: {controls: [C-0004, C-0050, C-0012]}}]\n"
RIGHTS = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: all}
rules: [{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: all}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}
subjects: [{kind: ServiceAccount, name: ops, namespace: ops}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: all, namespace: shop}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: all}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web, namespace: shop}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      serviceAccountName: web
      containers: [{name: web, image: "registry.example/web:1", env: [{name: DB_PASSWORD, value: hunter2}]}]
"""
LOUD = ("critical", "high", "medium", "low", "unknown")


class Numbers(NamedTuple):
    findings: dict[str, int]
    """By severity, those that are not 0."""
    total: int
    edits: int
    accepted: int


@pytest.fixture(autouse=True, params=["examples", "rights"])
def in_the_shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Controls of one severity each; and one right that is critical here and high there."""
    if request.param == "examples":
        monkeypatch.chdir(SHOP.parent)
    else:
        (tmp_path / "shop").mkdir()
        (tmp_path / "shop" / "rights.yaml").write_text(RIGHTS)
        monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "waivers.yaml").write_text(WAIVERS)


def scan(capfd: pytest.CaptureFixture[str], tmp_path: Path, format: str) -> str:
    assert main(["scan", "shop", "-q", "--waivers", str(tmp_path / "waivers.yaml"), "-f", format]) == 0
    return capfd.readouterr().out


def waived(tmp_path: Path) -> PostureReport:
    return leadline.scan("shop", leadline.PostureOptions(waivers=(str(tmp_path / "waivers.yaml"),)))


def numbers_of(tmp_path: Path) -> Numbers:
    report = waived(tmp_path)
    severities = {name: number for name, number in report.severities().items() if number}
    found = report.numbers
    return Numbers(severities, found.findings, found.edits + found.decisions, found.accepted)


def test_every_surface_comes_to_the_same_numbers(capfd, tmp_path):
    said = numbers_of(tmp_path)
    assert said.total == sum(said.findings.values()) > said.edits > 0 < said.accepted
    in_words = rf"(\d+) edits and (\d+) decisions for {said.total} findings: " + ", ".join(
        f"{said.findings[name]} {name}" for name in LOUD if name in said.findings
    )

    for format in ("pretty", "github", "markdown", "html"):
        text = scan(capfd, tmp_path, format)
        found = re.search(in_words, text)
        assert found is not None, format
        assert int(found[1]) + int(found[2]) == said.edits, format
        accepted = {
            "markdown": r"Accepted: (\d+)",
            "html": r"<b>(\d+)</b>accepted",
        }.get(format, r"(\d+) findings accepted")
        assert format == "markdown" or re.search(accepted, text)[1] == f"{said.accepted}", format

    lines = scan(capfd, tmp_path, "lines").splitlines()
    severity = re.compile(rf": (?:{'|'.join(LOUD)}) [CL]-\d{{4}}")
    assert sum(1 for line in lines if severity.search(line)) == said.edits

    rows = list(csv.DictReader(io.StringIO(scan(capfd, tmp_path, "csv"))))
    by_state = {
        state: {(r["Control"], r["Kind"], r["Namespace"], r["Name"]) for r in rows if r["State"] == state}
        for state in ("failed", "accepted")
    }
    assert {state: len(pairs) for state, pairs in by_state.items()} == {
        "failed": said.total,
        "accepted": said.accepted,
    }

    counters = json.loads(scan(capfd, tmp_path, "json"))["summaryDetails"]["resourcesSeverityCounters"]
    assert {n.removesuffix("Severity"): k for n, k in counters.items() if k} == said.findings

    failures = ElementTree.fromstring(scan(capfd, tmp_path, "junit")).iter("failure")
    assert sum(int(re.search(r"failed on (\d+)", f.get("message"))[1]) for f in failures) == said.total

    metrics = scan(capfd, tmp_path, "prometheus")
    for name, number in said.findings.items():
        assert f'leadline_findings{{severity="{name}"}} {number}\n' in metrics
    assert f"leadline_findings_accepted {said.accepted}\n" in metrics

    results = json.loads(scan(capfd, tmp_path, "sarif"))["runs"][0]["results"]
    open_ones = [r for r in results if "suppressions" not in r]
    objects = {
        (r["ruleId"], r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]) for r in open_ones
    }
    assert len(objects) == said.total


def test_the_printed_report_comes_to_the_same_numbers(capfd, tmp_path):
    said = numbers_of(tmp_path)
    scan(capfd, tmp_path, f"pdf={tmp_path}/shop.pdf")
    pages = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "shop.pdf", "-"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(
        r"(\d+) edits and (\d+) decisions for (\d+) findings: ((?:\d+ \w+,? ?)+)", " ".join(pages.split())
    )
    assert int(found[1]) + int(found[2]) == said.edits
    assert int(found[3]) == said.total
    counted = dict(reversed(part.split()[:2]) for part in found[4].strip(", ").split(", "))
    assert {name: int(number) for name, number in counted.items()} == said.findings


def test_pages_and_assistants_come_to_the_same_numbers(tmp_path):
    said = numbers_of(tmp_path)
    options = PostureOptions(waivers=(str(tmp_path / "waivers.yaml"),), environ=os.environ)
    world = World(read_folder(["shop"], options))
    kinds = {kind.name: kind for kind in PAGES}
    overview = asyncio.run(kinds["overview"].build(world, Ask({}, 50)))
    (counts,) = [one for one in overview.sections if isinstance(one, Counts)]
    found = re.match(r"(\d+) findings of .*; (\d+) edits and (\d+) decisions .*; (\d+) accepted", counts.lead)
    assert [int(found[1]), int(found[2]) + int(found[3]), int(found[4])] == [
        said.total,
        said.edits,
        said.accepted,
    ]
    shown = {name: int(cell.text.replace(",", "")) for cell, name in counts.cells}
    assert {name: number for name, number in shown.items() if number} == said.findings

    # Who may not see everything gets the numbers of what he sees: here that is all.
    spaces = frozenset(one.namespace for one in world.report.resources)
    page = asyncio.run(kinds["accepted"].build(World(world.known, spaces), Ask({}, 50)))
    (entries,) = (one for one in page.sections if isinstance(one, Table) and one.unit == "entry")
    assert sum(int(row[-1].text) for row in entries.rows) == said.accepted
    for one in world.report.frameworks:
        page = asyncio.run(kinds["framework"].build(world, Ask({"name": (one.name,)}, 50)))
        facts = dict(next(part for part in page.sections if isinstance(part, Facts)).rows)
        pairs = {
            given.finding.pair for given in world.report.waived if given.finding.control in one.control_ids
        }
        assert facts["Accepted"].text.split()[0] == str(len(pairs))

    given = Given(roots=("shop",), waivers=(str(tmp_path / "waivers.yaml"),), is_trusted=True)
    calls = Calls(Evidence(given, os.environ), 1 << 20, io.StringIO())
    told = json.loads(calls.call("overview", {})[0])
    assert told["findings"] == said.findings
    assert told["edits"] + told["decisions"] == said.edits
    assert told["accepted"] == said.accepted


def test_a_baseline_counts_what_the_scan_counts(capfd, tmp_path):
    report = leadline.scan("shop")
    file = str(tmp_path / "baseline.json")
    assert main(["baseline", "save", "shop", "-o", file]) == 0
    assert capfd.readouterr().err.startswith(f"{report.numbers.findings} findings remembered")
    assert main(["baseline", "show", file]) == 0
    shown = capfd.readouterr().out.splitlines()
    assert f"{report.numbers.findings} findings, taken" in shown[0]
    by_control = Counter(control for control, _ in {finding.pair for finding in report.findings})
    listed = {line.split()[1]: int(line.split()[0]) for line in shown[1:] if line[:7].strip().isdigit()}
    assert listed == by_control
    assert main(["baseline", "compare", file, "shop"]) == 0
    last = capfd.readouterr().out.splitlines()[-1]
    assert last.startswith(f"0 new, 0 gone, {report.numbers.findings} unchanged")


def test_a_waiver_is_said_to_accept_what_the_scan_no_longer_counts(capfd, tmp_path):
    said = numbers_of(tmp_path)
    before = leadline.scan("shop").numbers.findings
    assert said.accepted == before - said.total
    (use,) = waived(tmp_path).waivers
    assert use.findings == said.accepted
    assert main(["waiver", "test", str(tmp_path / "waivers.yaml"), "shop"]) == 0
    out = capfd.readouterr().out
    assert out.splitlines()[-1] == f"{said.accepted} findings accepted, {said.total} findings not"


def entries(store: str, plural: str) -> list[dict[str, Any]]:
    async def listed() -> list[dict[str, Any]]:
        reader = LocalReader(Path(store))
        page = await reader.list(Selection(plural), Paging("", 500, 1 << 24))
        await reader.close()
        return [json.loads(entry.content.body) for entry in page.entries]

    return asyncio.run(listed())


def severities_of(pairs: Iterable[tuple[str, object]]) -> dict[str, int]:
    """``pairs``: severity, and what tells one finding from another."""
    return dict(Counter(severity for severity, _ in set(pairs)))


def test_formats_for_machines_give_every_finding_the_severity_of_the_scan(capfd, tmp_path):
    said = numbers_of(tmp_path)

    rows = csv.DictReader(io.StringIO(scan(capfd, tmp_path, "csv")))
    failed = [row for row in rows if row["State"] == "failed"]
    objects = ("Control", "Kind", "Namespace", "Name")
    assert severities_of((r["Severity"], tuple(r[o] for o in objects)) for r in failed) == said.findings

    report = json.loads(scan(capfd, tmp_path, "json"))
    failures = [
        (control["severity"].lower(), (control["controlID"], result["resourceID"]))
        for result in report["results"]
        for control in result["controls"]
        if control["status"]["status"] == "failed"
    ]
    assert severities_of(failures) == said.findings

    policies = [json.loads(part) for part in scan(capfd, tmp_path, "policyreport").split("---\n") if part]
    results = [one for part in policies for one in part["results"] if one["result"] == "fail"]
    assert dict(Counter(one["severity"] for one in results)) == said.findings

    names = {"blocker": "critical", "critical": "high", "major": "medium", "minor": "low"}
    quality = [
        (
            names[one["severity"]],
            (one["check_name"], one["description"].partition(" in ")[2].partition(":")[0]),
        )
        for one in json.loads(scan(capfd, tmp_path, "code-quality"))
        if re.match(r"[CL]-", one["check_name"]) and one["severity"] != "info"
    ]
    assert severities_of(quality) == said.findings

    sast = json.loads(scan(capfd, tmp_path, "gitlab-sast"))["vulnerabilities"]
    flaws = (
        (v["severity"].lower(), (v["identifiers"][0]["value"], v["details"]["object"]["value"])) for v in sast
    )
    assert severities_of(flaws) == said.findings

    run = json.loads(scan(capfd, tmp_path, "sarif"))["runs"][0]
    of_rule = {one["id"]: one["properties"]["security-severity"] for one in run["tool"]["driver"]["rules"]}
    found = (
        (
            severity_of(float(one["properties"].get("security-severity") or of_rule[one["ruleId"]])),
            (one["ruleId"], one["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]),
        )
        for one in run["results"]
        if "suppressions" not in one
    )
    assert severities_of(found) == said.findings


def test_the_store_has_the_same_numbers_and_is_read_with_them(capfd, tmp_path):
    said = numbers_of(tmp_path)
    store = str(tmp_path / "results.db")
    assert main(["scan", "shop", "-q", "--waivers", str(tmp_path / "waivers.yaml"), "--store", store]) == 0
    capfd.readouterr()
    (run,) = entries(store, "scanruns")
    assert {name: number for name, number in run["status"]["findings"].items() if number} == said.findings
    summaries = entries(store, "workloadconfigurationscansummaries")
    counted = sum((Counter(one["spec"]["severities"]) for one in summaries), Counter[str]())
    assert {name: number for name, number in counted.items() if number} == said.findings
    assert main(["scan", "--from-store", store, "-q", "-f", "json"]) == 0
    counters = json.loads(capfd.readouterr().out)["summaryDetails"]["resourcesSeverityCounters"]
    assert {n.removesuffix("Severity"): k for n, k in counters.items() if k} == said.findings


def test_a_day_of_the_history_has_the_same_numbers(tmp_path):
    said = numbers_of(tmp_path)
    day = days_of(waived(tmp_path), "2027-01-31T10:00:00Z")[CLUSTER]
    assert {name: number for name, number in asdict(day.failed).items() if number} == said.findings
    assert day.accepted == said.accepted


def test_a_provider_is_sent_the_same_numbers(tmp_path):
    said = numbers_of(tmp_path)
    sent = whole_report(waived(tmp_path), NoPlaces(), "2027-01-31T10:00:00Z").findings
    assert dict(Counter(one.severity for one in sent if not one.accepted)) == said.findings
    assert sum(1 for one in sent if one.accepted) == said.accepted


def test_a_baseline_and_a_report_over_several_sources_have_the_same_severities(capfd, tmp_path):
    report = leadline.scan("shop")
    found = {name: number for name, number in report.severities().items() if number}
    baseline = str(tmp_path / "baseline.json")
    assert main(["baseline", "save", "shop", "-o", baseline]) == 0
    capfd.readouterr()
    assert main(["report", f"a={baseline}", "b=shop", "-q", "-f", "json"]) == 0
    for source in json.loads(capfd.readouterr().out)["sources"]:
        assert source["severities"] == found
