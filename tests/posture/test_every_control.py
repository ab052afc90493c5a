"""What holds for every control, so that no control has to test it again."""

import re
from collections import Counter

import pytest
import yaml
from control_fixtures import (
    ROOT,
    documents_in,
    family_of,
    fixed,
    fixtures_of,
    has_only_edits,
    judged,
    read_fixture,
    written,
)

from leadline.model.control import CONSEQUENCES, LONGEST_PROBLEM, BuiltControl, Control, Review
from leadline.model.resource import resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.posture.subject import Container, Workload

CONTROLS = load_controls()
CHECKED = [control for control in CONTROLS if control.check is not None]
PARTS = re.compile(
    r"\A(?P<first>[^\n]+)\n\n(?P<why>.+?)\n\nFix: .+?\n\nExample::\n\n(?P<example>.+?)\n\nCannot see: .+?\n\nSee: http",
    re.S,
)


def named(control: Control) -> str:
    return control.id


def test_ids_are_unique_and_well_formed():
    ids = [control.id for control in CONTROLS]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[CL]-\d{4}", control_id) for control_id in ids)


def test_every_control_says_its_problem_in_a_few_words_and_what_it_leads_to():
    assert [c.id for c in CONTROLS if not 4 <= len(c.problem) <= LONGEST_PROBLEM] == []
    assert [c.id for c in CONTROLS if c.problem != c.problem.strip() or c.problem.endswith(".")] == []
    assert [c.id for c in CONTROLS if c.consequence not in CONSEQUENCES] == []
    assert {c.consequence for c in CONTROLS} == set(CONSEQUENCES)


def test_no_two_controls_share_a_problem():
    times = Counter(control.problem.lower() for control in CONTROLS)
    assert [problem for problem, count in times.items() if count > 1] == []


def test_every_docstring_has_all_its_parts():
    lacking = [control.id for control in CHECKED if not PARTS.match(control.doc)]
    assert lacking == [], "first line, why, Fix:, Example::, Cannot see:, See:"


@pytest.mark.parametrize("control", CHECKED, ids=named)
def test_the_example_of_the_docstring_fails(control):
    example = PARTS.match(control.doc)["example"]
    text = "\n".join(line[4:] for line in example.splitlines())
    documents = documents_in(text, is_dockerfile="Dockerfile.leadline.dev" in control.kinds)
    fixture = read_fixture_of(control)
    fixture.settings = {} if any(control.settings.values()) else fixture.settings
    assert judged(control, documents, fixture).findings


def test_every_control_has_a_failing_and_a_passing_fixture():
    assert len(CHECKED) > 250
    kinds = {control.id: {fixture.fails for fixture in fixtures_of(control)} for control in CHECKED}
    assert [name for name, found in kinds.items() if found != {True, False}] == []


@pytest.mark.parametrize("control", CHECKED, ids=named)
def test_fixtures_fail_where_they_say_and_pass_otherwise(control):
    for fixture in fixtures_of(control):
        judgement = judged(control, fixture.documents, fixture)
        found = sorted({written(f, judgement, fixture.documents) for f in judgement.findings})
        assert found == sorted(set(fixture.expected)), fixture.path.name
        assert bool(found) == fixture.fails or (fixture.fails and judgement.findings), fixture.path.name
        if not fixture.fails:
            assert any(control.id in ids for ids in judgement.judged) or "unjudged" in fixture.path.name, (
                fixture.path.name
            )


@pytest.mark.parametrize("control", CHECKED, ids=named)
def test_its_own_edits_make_the_failing_fixture_pass(control):
    for fixture in fixtures_of(control):
        judgement = judged(control, fixture.documents, fixture)
        if fixture.fails and has_only_edits(judgement.findings):
            after = judged(control, fixed(fixture.documents, judgement), fixture).findings
            assert not after, f"{fixture.path.name}: {[f.path for f in after]}"


@pytest.mark.parametrize("word", ["whoever", "nobody", "stranger", "plain sight", "loot"])
def test_controls_speak_the_words_of_the_field(word):
    said = {c.id: f"{c.doc} {c.problem} {c.manual} {c.needs}".lower() for c in CONTROLS}
    assert [control_id for control_id, text in said.items() if re.search(rf"\b{word}s?\b", text)] == []


HARDENED = """
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: web
    image: nginx:1.27
    securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


def test_a_pod_hardened_by_the_restricted_standard_has_no_finding_of_its_security_context_above_low():
    asked = [c for c in CHECKED if c.consequence == "node escape" and c.subject in (Workload, Container)]
    findings = judge([resource_of(yaml.safe_load(HARDENED))], asked).findings
    severities = {c.id: c.severity for c in asked}
    assert len(asked) > 15
    assert [f.control for f in findings if severities[f.control] not in ("low", "unknown")] == []


def test_every_fixture_folder_belongs_to_a_control():
    known = {(family_of(control), control.name) for control in CONTROLS}
    assert [p for p in sorted(ROOT.glob("*/*")) if p.parts[-2:] not in known] == []


def read_fixture_of(control):
    failing = [fixture for fixture in fixtures_of(control) if fixture.fails]
    return failing[0] if failing else read_fixture(next(iter((ROOT).glob("*/*/*.yaml"))))


@pytest.mark.parametrize("control", CHECKED, ids=lambda control: control.id)
def test_who_has_to_look_at_a_whole_object_is_told_what_to_decide(control: BuiltControl):
    for fixture in fixtures_of(control):
        for finding in judged(control, fixture.documents, fixture).findings:
            violation = finding.violation
            assert not isinstance(violation, Review) or violation.path or violation.advice, fixture.path
