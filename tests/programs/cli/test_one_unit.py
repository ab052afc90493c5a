"""One scan through all surfaces: each counts findings and edits, calls them alike and comes to the same numbers."""

import asyncio
import csv
import io
import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

import leadline
from leadline.model.report import PostureReport
from leadline.programs.cli.main import main
from leadline.programs.mcp.calls import Calls
from leadline.scans.answering.evidence import Evidence, Given
from leadline.scans.options import PostureOptions
from leadline.scans.pages.page import Ask, Counts
from leadline.scans.pages.reading import read_folder
from leadline.scans.pages.site import PAGES
from leadline.scans.pages.world import World

SHOP = Path(__file__).parents[3] / "examples" / "shop"
WAIVERS = "waivers: [{name: known, reason: looked at, match: {controls: [C-0004, C-0050, C-0012]}}]\n"
LOUD = ("critical", "high", "medium", "low", "unknown")


class Numbers(NamedTuple):
    findings: dict[str, int]
    """By severity, those that are not 0."""
    total: int
    edits: int
    accepted: int


@pytest.fixture(autouse=True)
def in_the_shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(SHOP.parent)
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
    found = re.search(r"(\d+) edits and (\d+) decisions for (\d+) findings: ([^;]+)", " ".join(pages.split()))
    assert int(found[1]) + int(found[2]) == said.edits
    assert int(found[3]) == said.total
    counted = dict(reversed(part.split()[:2]) for part in found[4].split(", "))
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
