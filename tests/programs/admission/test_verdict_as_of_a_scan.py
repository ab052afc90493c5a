"""A control says the same of an object at admission as a scan of that object by itself, wherever admission asks it."""

import copy
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from control_fixtures import fixtures_of
from reviews import NOW, container, controls, deployment, judge, pod, with_metadata

from leadline.model.control import BuiltControl
from leadline.model.finding import Finding
from leadline.model.report import PostureReport
from leadline.posture.inventory import Facts
from leadline.scans.options import PostureOptions
from leadline.scans.posture.one_object import AloneJudge
from leadline.scans.posture.posture_scan import posture_scan
from leadline.scans.posture.settings import shipped_settings
from leadline.sources.waivers.marks import annotated

EXAMPLES = Path(__file__).parents[3] / "examples" / "shop"
LAST_APPLIED = "last-applied-configuration"
"""Repeats the object; what it repeats is not judged twice where it comes from a cluster."""
Row = tuple[str, str, str]


def scanned(body: dict[str, Any], by: BuiltControl | None = None) -> PostureReport:
    chosen = {"controls": (by.id,)} if by is not None else {}
    options = PostureOptions(standard_input=orjson.dumps(body), **chosen)
    return posture_scan("-", options)


def row_of(finding: Finding) -> Row:
    return finding.control, finding.path, finding.action


def rows_of(report: PostureReport) -> list[Row]:
    found = [*report.findings, *(one.finding for one in report.waived)]
    return sorted(row_of(one) for one in found)


ASKED = [control for control in controls() if control in judge().asked]


def documents(control: BuiltControl) -> list[dict[str, Any]]:
    """Those of its fixtures that need no setting or fact, each object by itself; Secrets are without values here."""
    return [
        document
        for fixture in fixtures_of(control)
        if not fixture.settings and fixture.facts.server_version == "" and not fixture.facts.cloud
        for document in fixture.documents
        if isinstance(document, dict)
        and document.get("kind") not in (None, "List", "Secret")
        and LAST_APPLIED not in str(document)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("control", ASKED, ids=lambda control: control.id)
def test_it_says_the_same_about_its_fixtures(control: BuiltControl):
    alone = AloneJudge((control,), shipped_settings(controls()), Facts())
    seen = 0
    for body in documents(control):
        report = scanned(body, control)
        found = alone.verdict(copy.deepcopy(body))
        if control.id in found.undecided:
            assert not found.findings
            continue
        assert sorted(row_of(one) for one in found.findings) == rows_of(report), body
        is_judged = any(control.id in ids for ids in report.judged)
        assert (control.id in found.judged) == is_judged, body
        seen += is_judged
    # One that never decides is not asked.
    assert seen or not documents(control)


def objects_of(folder: Path) -> list[dict[str, Any]]:
    found: list[Any] = []
    for path in sorted(folder.rglob("*.yaml")):
        # One of the examples is a file that cannot be read, and templates are not YAML.
        with suppress(yaml.YAMLError):
            found += yaml.safe_load_all(path.read_text())
    found = [one for one in found if isinstance(one, dict)]
    return [one for one in found if "apiVersion" in one and one.get("kind") not in ("List", "Secret")]


BODIES = [
    *objects_of(EXAMPLES),
    deployment(container(securityContext={"privileged": True}), hostPID=True),
    with_metadata(pod(container(image="nginx")), annotations={"leadline.dev/accept": "C-0075,C-0013"}),
]


@pytest.mark.parametrize("number", range(len(BODIES)))
def test_all_controls_together_say_the_same_about_whole_objects(number: int):
    body = BODIES[number]
    report = scanned(body)
    found = judge().verdict(copy.deepcopy(body))
    asked = {control.id for control in ASKED}.difference(found.undecided)
    assert sorted(row_of(one) for one in found.findings) == [
        row for row in rows_of(report) if row[0] in asked
    ]
    accepted = judge().accepted(found, annotated(found.resource), NOW)
    assert sorted(row_of(one) for one, by in zip(found.findings, accepted, strict=True) if by) == sorted(
        row_of(one.finding) for one in report.waived if one.finding.control in asked
    )
    in_scan = {id for ids in report.judged for id in ids} & asked
    assert found.judged == in_scan


def test_every_control_is_asked_or_named_with_its_reason():
    built = {control.id for control in controls() if control.check is not None}
    named = {skip.control for skip in judge().not_asked}
    assert {control.id for control in ASKED} | named == built
    assert all(skip.why for skip in judge().not_asked)
    assert len(ASKED) > 180
