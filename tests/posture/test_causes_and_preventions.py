"""An object that causes or prevents a finding about another one is named."""

import pytest

from leadline.model.control import BuiltControl
from leadline.model.resource import Origin, Resource, resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.posture.verdicts import Judgement
from posture.control_fixtures import Fixture, fixtures_of

CONTROLS = [control for control in load_controls() if control.check is not None]
SHOW_THAT_ENOUGH_WAS_READ = {
    "C-0293": "that there are pods beside the Service, none with its labels",
    "C-0298": "that there are Services, none with the name",
    "C-0302": "the same",
    "L-0036": "that there are pods, none of which uses the account",
}
"""Controls that find something missing: what is beside it shows no more than that they would have seen it."""


def judged_without(control: BuiltControl, fixture: Fixture, left_out: int = -1) -> Judgement:
    resources = [
        resource_of(document, Origin(path=f"{number}.yaml"))
        for number, document in enumerate(fixture.documents)
        if number != left_out
    ]
    return judge(resources, [control], settings=fixture.settings, facts=fixture.facts)


def failing(judgement: Judgement) -> set[str]:
    return {finding.resource for finding in judgement.findings}


def unnamed_causes(control: BuiltControl, fixture: Fixture) -> list[str]:
    """Objects without which an object would not fail, and that no finding about it names."""
    whole = judged_without(control, fixture)
    unnamed = []
    for number, document in enumerate(fixture.documents):
        other = resource_of(document, Origin(path=f"{number}.yaml"))
        without = failing(judged_without(control, fixture, number))
        for id in failing(whole) - without - {other.id}:
            about = [finding for finding in whole.findings if finding.resource == id]
            if not any(other.id in (finding.on, *finding.related) for finding in about):
                unnamed.append(f"{fixture.path.name}: {other.title}")
    return unnamed


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.id)
def test_what_causes_a_finding_about_another_object_is_named(control: BuiltControl):
    fixtures = [fixture for fixture in fixtures_of(control) if len(fixture.documents) > 1]
    unnamed = [text for fixture in fixtures for text in unnamed_causes(control, fixture)]
    assert bool(unnamed) == (control.id in SHOW_THAT_ENOUGH_WAS_READ), unnamed


DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]},
        },
    },
}


def beside(kind: str, api_version: str, spec: dict) -> Resource:
    body = {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": "it", "namespace": "shop"},
        "spec": spec,
    }
    return resource_of(body, Origin(path="b.yaml"))


POLICY = beside(
    "NetworkPolicy", "networking.k8s.io/v1", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
)
LIMITS = beside(
    "LimitRange", "v1", {"limits": [{"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}}]}
)


@pytest.mark.parametrize(
    ("other", "ids"),
    [
        (POLICY, ("C-0030", "C-0260")),
        (LIMITS, ("C-0004", "C-0009", "C-0050", "C-0268", "C-0269", "C-0270", "C-0271")),
    ],
    ids=["policy", "limits"],
)
def test_what_prevents_a_finding_about_another_object_is_named(other: Resource, ids: tuple[str, ...]):
    controls = [control for control in CONTROLS if control.id in ids]
    web = resource_of(DEPLOYMENT, Origin(path="a.yaml"))
    alone, together = judge([web], controls), judge([web, other], controls)
    assert {finding.control for finding in alone.findings} == set(ids)
    assert alone.passes == {}
    assert together.findings == ()
    assert {(control, others) for control, others in together.passes[web.id]} == {
        (id, (other.id,)) for id in ids
    }


def test_an_object_that_fails_all_the_same_passes_by_nothing():
    half = beside("NetworkPolicy", "networking.k8s.io/v1", {"podSelector": {}, "policyTypes": ["Ingress"]})
    web = resource_of(DEPLOYMENT, Origin(path="a.yaml"))
    judgement = judge([web, half], [control for control in CONTROLS if control.id == "C-0030"])
    assert [finding.related for finding in judgement.findings] == [(half.id,)]
    assert judgement.passes == {}
