"""Which edits may stop what runs."""

from typing import Any

import pytest
from control_fixtures import fixtures_of, judged

from leadline.model.control import BuiltControl, Remove, Set, is_placeholder
from leadline.model.resource import resource_of
from leadline.posture.catalogue import load_controls
from leadline.posture.edit_risk import UNCLASSIFIED, edit_risk, rule_of


@pytest.mark.parametrize(
    "control", [one for one in load_controls() if one.check is not None], ids=lambda control: control.id
)
def test_every_edit_of_every_control_is_classified(control: BuiltControl):
    for fixture in fixtures_of(control):
        for finding in judged(control, fixture.documents, fixture).findings:
            change = finding.violation
            if isinstance(change, Remove | Set) and not is_placeholder(getattr(change, "value", None)):
                assert rule_of(change) is not None, change


def pod(context: dict[str, Any], container: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web"},
        "spec": {
            "securityContext": context,
            "containers": [{"name": "web", "securityContext": container}],
            **spec,
        },
    }


PLACE = "spec.containers[0].securityContext"
NO_ROOT = {"runAsUser": 1000}
FIXED = {"allowPrivilegeEscalation": False}
ESCALATION = Set(f"{PLACE}.allowPrivilegeEscalation", False)
NON_ROOT = Set(f"{PLACE}.runAsNonRoot", True)
OF_POD = Set("spec.securityContext.runAsNonRoot", True)
DROP = Set(f"{PLACE}.capabilities.drop[0]", "ALL")
PROFILE = Set(f"{PLACE}.seccompProfile.type", "RuntimeDefault")
TOKEN = Set("spec.automountServiceAccountToken", False)


@pytest.mark.parametrize(
    ("change", "body", "is_safe"),
    [
        (ESCALATION, pod({}, {}), True),
        (ESCALATION, pod({}, {"allowPrivilegeEscalation": True}), False),
        (ESCALATION, pod({}, {"capabilities": {"add": ["NET_BIND_SERVICE"]}}), False),
        (NON_ROOT, pod({}, {}), False),
        (NON_ROOT, pod(NO_ROOT, {}), True),
        (NON_ROOT, pod(NO_ROOT, {"runAsUser": 0}), False),
        (NON_ROOT, pod({}, NO_ROOT), True),
        (OF_POD, pod(NO_ROOT, {}), True),
        (OF_POD, pod({}, NO_ROOT), True),
        (OF_POD, pod(NO_ROOT, {"runAsUser": 0}), False),
        (OF_POD, pod({}, {}), False),
        (DROP, pod({}, {}), False),
        (DROP, pod(NO_ROOT, {}), False),
        (DROP, pod(NO_ROOT, FIXED), True),
        (DROP, pod(NO_ROOT, {**FIXED, "capabilities": {"add": ["CHOWN"]}}), False),
        (PROFILE, pod({}, {}), True),
        (PROFILE, pod({}, {"seccompProfile": {"type": "Unconfined"}}), False),
        (TOKEN, pod({}, {}), True),
        (TOKEN, pod({}, {}, serviceAccountName="default"), True),
        (TOKEN, pod({}, {}, serviceAccountName="web"), False),
        (Remove("spec.hostNetwork"), pod({}, {}, hostNetwork=True), False),
        (Set(f"{PLACE}.readOnlyRootFilesystem", True), pod(NO_ROOT, FIXED), False),
        (Set(f"{PLACE}.runAsUser", 1000), pod({}, {"runAsUser": 0}), False),
        (Remove(f"{PLACE}.privileged"), pod({}, {"privileged": True}), False),
    ],
)
def test_an_edit_is_safe_where_no_program_can_miss_what_it_takes(change, body, is_safe: bool):
    assert (not edit_risk(change, resource_of(body))) == is_safe


def test_a_token_is_used_where_the_account_has_rights():
    resource = resource_of(pod({}, {}))
    assert edit_risk(TOKEN, resource, ["rbac.authorization.k8s.io/v1/shop/RoleBinding/web"])


def test_the_edit_of_a_field_that_no_one_classified_is_risky():
    assert edit_risk(Set("spec.whatever", 1), resource_of(pod({}, {}))) == UNCLASSIFIED


@pytest.mark.parametrize(
    "body", [pod(None, None), pod([], "x", containers=[None]), {"kind": "Pod", "spec": 1}]
)  # type: ignore[arg-type]
@pytest.mark.parametrize("change", [ESCALATION, NON_ROOT, OF_POD, DROP, PROFILE, TOKEN])
def test_a_field_of_a_wrong_type_is_read_as_absent(change, body: dict[str, Any]):
    edit_risk(change, resource_of({"apiVersion": "v1", "metadata": {"name": "a"}, **body}))
