"""What Leadline finds in its own chart, whatever is switched on: nothing above low but what is accepted, and each for a reason."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from test_chart import ROOT, SENDING, image_job, render, settings_in

import leadline
from leadline.model.report import PostureReport

WAIVERS = ROOT / "deploy" / "accepted.yaml"
ALWAYS = frozenset({"C-0261"})
SWITCHES: Mapping[str, bool] = {
    "capabilities.configurationScan": True,
    "capabilities.continuousScan": True,
    "capabilities.vulnerabilityScan": True,
    "capabilities.prometheusExporter": True,
    "capabilities.alerts": False,
    "capabilities.hostFacts": False,
    "capabilities.nodeAgent": False,
    "capabilities.admission": False,
    "capabilities.readSecrets": False,
    "capabilities.pullSecrets": False,
    "vulnerabilityScan.jobs.enabled": False,
    "vulnerabilityScan.jobs.nodeBlobs": False,
    "networkPolicy.enabled": True,
    "unregister.enabled": True,
    "crds.install": True,
    "persistence.enabled": True,
    "postgresql.secretName": False,
    "prometheus.serviceMonitor.enabled": False,
    "prometheus.dashboard.enabled": False,
}
"""With their defaults."""
NAMED = {"vulnerabilityScan.jobs.nodeBlobs": "/var/lib/containerd/blobs", "postgresql.secretName": "database"}
"""Those that take a text in place of true."""


def objects_of(switches: Mapping[str, bool], folder: Path) -> Path:
    """The file with all that is rendered, and the Job that the operator would make."""
    values = [
        f"{name}={json.dumps((NAMED[name] if is_on else '') if name in NAMED else is_on)}"
        for name, is_on in switches.items()
    ]
    objects = render(*SENDING[1:], *values)
    if "image-job.json" in settings_in(objects):
        objects.append(image_job(objects, folder))
    path = folder / "chart.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    return path


def expected(switches: Mapping[str, bool]) -> frozenset[str]:
    """Controls above low that fail, each because of what is switched."""
    has_images = switches["capabilities.vulnerabilityScan"]
    has_operator = has_images or switches["capabilities.configurationScan"]
    has_jobs = has_images and switches["vulnerabilityScan.jobs.enabled"]
    reads = has_operator and (switches["capabilities.readSecrets"] or switches["capabilities.pullSecrets"])
    return ALWAYS.union(
        {"C-0053"} if has_operator else (),
        {"L-0053"} if switches["crds.install"] else (),
        {"C-0015", "C-0186", "C-0267", "L-0104"} if reads else (),
        {"C-0188"} if has_jobs else (),
        {"C-0048"} if has_jobs and switches["vulnerabilityScan.jobs.nodeBlobs"] else (),
        () if switches["networkPolicy.enabled"] else {"C-0030", "C-0260"},
        _of_nodes(switches["capabilities.hostFacts"], switches["capabilities.nodeAgent"]),
        {"L-0029"} if switches["capabilities.hostFacts"] and switches["networkPolicy.enabled"] else (),
    )


def _of_nodes(has_facts: bool, has_agent: bool) -> frozenset[str]:
    both = {"C-0013", "C-0048", "C-0211", "L-0020", "L-0021"} if has_facts or has_agent else set()
    agent = {"C-0038", "C-0046", "C-0074", "C-0275", "L-0011", "L-0019"} if has_agent else set()
    return frozenset(both | agent | ({"C-0053"} if has_facts or has_agent else set()))


def above_low(report: PostureReport, found: set[str]) -> set[str]:
    return {control.id for control in report.controls if control.id in found and control.severity != "low"}


def scanned(switches: Mapping[str, bool]) -> PostureReport:
    with tempfile.TemporaryDirectory() as folder:
        path = objects_of(switches, Path(folder))
        return leadline.scan([str(path)], leadline.PostureOptions(waivers=(str(WAIVERS),)))


# A failure names all its switches: making them fewer would take minutes.
@settings(max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.fixed_dictionaries({name: st.booleans() for name in SWITCHES}))
def test_our_own_scan_finds_nothing_above_low_but_what_is_accepted(switches: dict[str, bool]) -> None:
    report = scanned(switches)
    assert report.unread == ()
    assert above_low(report, {finding.control for finding in report.findings}) == set()
    assert above_low(report, {one.finding.control for one in report.waived}) == expected(switches)


def test_with_the_defaults_three_things_are_accepted() -> None:
    report = scanned(SWITCHES)
    assert above_low(report, {finding.control for finding in report.findings}) == set()
    assert {use.waiver.name for use in report.waivers if use.state == "used"} == {
        "token",
        "results",
        "exceptions",
    }


def test_everything_that_is_accepted_is_needed_by_some_switch() -> None:
    everything = dict.fromkeys(SWITCHES, True)
    unused = [
        {
            use.waiver.name
            for use in scanned(everything | {"networkPolicy.enabled": has_policies}).waivers
            if use.state != "used"
        }
        for has_policies in (True, False)
    ]
    assert unused[0] & unused[1] == set()
