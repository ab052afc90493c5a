"""What is cut from objects that a server sends changes no verdict."""

from copy import deepcopy
from typing import Any

import orjson
import pytest
from control_fixtures import fixtures_of, judged

from leadline.model.control import BuiltControl
from leadline.posture.catalogue import load_controls
from leadline.posture.verdicts import Judgement
from leadline.sources.cluster.trim import SharedParts, lightened, trim

SECRETS_IN_MANIFESTS = "L-0005"
"""It looks at values of Secrets in files; of a cluster they are never held."""
CHECKED = [one for one in load_controls() if one.check is not None and one.id != SECRETS_IN_MANIFESTS]
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
MANAGED = [{"manager": "kubectl", "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {}}}]


def as_sent(document: dict[str, Any]) -> dict[str, Any]:
    """As a server keeps it that ``kubectl apply`` gave it to."""
    sent = deepcopy(document)
    if not isinstance(sent.get("metadata"), dict):
        return sent
    applied = orjson.dumps(document).decode()
    notes = sent["metadata"].get("annotations")
    if notes is None or isinstance(notes, dict):
        sent["metadata"]["annotations"] = {LAST_APPLIED: applied, **(notes or {})}
    sent["metadata"] |= {
        "managedFields": MANAGED,
        "resourceVersion": "7",
        "generation": 3,
        "selfLink": "/apis/x",
        "uid": "00000000-0000-0000-0000-000000000000",
    }
    if sent.get("status") is None or isinstance(sent["status"], dict):
        status = {"observedGeneration": 3, "conditions": [{"type": "Ready", "status": "True"}]}
        sent["status"] = {**status, **(sent.get("status") or {})}
    return sent


def outcome(judgement: Judgement) -> tuple[Any, ...]:
    """A copy in the annotation of what the object says itself is cut, and with it only the second place."""
    names = {one.id: one.title for one in judgement.resources}
    found = [(f.control, names[f.resource], names.get(f.on, f.on), f.violation) for f in judgement.findings]
    return (
        {row[:2] for row in found},
        [row for row, f in zip(found, judgement.findings, strict=True) if LAST_APPLIED not in f.path],
        judgement.judged,
        judgement.skips,
        sorted((names[id], skips) for id, skips in judgement.gave_up.items()),
    )


@pytest.mark.parametrize("control", CHECKED, ids=lambda control: control.id)
def test_verdicts_are_the_same_with_all_that_a_server_adds_and_with_that_cut(control: BuiltControl):
    parts = SharedParts()
    for fixture in fixtures_of(control):
        written = [orjson.loads(orjson.dumps(one, default=str)) for one in fixture.documents]
        sent = [as_sent(one) if isinstance(one, dict) else one for one in written]
        for one in sent:
            if isinstance(one, dict):
                assert lightened(one)
                trim(one, parts)
        assert outcome(judged(control, written, fixture)) == outcome(judged(control, sent, fixture)), (
            fixture.path.name
        )
