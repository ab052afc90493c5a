"""The paths of findings: names of fields pass as they are, keys of the user's are looked at."""

import pytest

from cost_growth import cost_growth
from leadline.model.control import Review
from leadline.model.finding import Finding
from leadline.model.resource import Origin, resource_of
from leadline.outputs.redaction.report import _FIELD_NAMES, Redaction
from leadline.outputs.redaction.values import SecretValues
from outputs.redaction.credentials import BY_FORM
from outputs.sample_report import RAW

BODY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}


def shown(path: str) -> str:
    return redacted(Review(path))[0].path


def redacted(*reviews: Review) -> tuple[Finding, ...]:
    resource = resource_of(BODY, Origin(path="a.yaml"))
    findings = tuple(Finding("C-0012", resource.id, one) for one in reviews)
    raw = type(RAW)(RAW.target, (resource,), RAW.controls, findings, ((),))
    return Redaction(SecretValues()).report(raw).findings


@pytest.mark.parametrize("kind", BY_FORM)
def test_a_credential_is_no_name_of_a_field(kind: str) -> None:
    assert not _FIELD_NAMES.fullmatch(BY_FORM[kind])
    assert BY_FORM[kind] not in shown(f"data[{BY_FORM[kind]}]")
    assert BY_FORM[kind] not in shown(f"spec.values.{BY_FORM[kind]}")


@pytest.mark.parametrize(
    "path",
    [
        "",
        "spec",
        "spec.template.spec.containers[0].securityContext.capabilities.drop[1]",
        "spec.jobTemplate.spec.template.spec.initContainers[12].env[3]",
        "data[app.properties]",
    ],
)
def test_a_path_of_fields_stays(path: str) -> None:
    assert shown(path) == path


def test_two_decisions_at_one_path_stay_two() -> None:
    path = f"data[{next(iter(BY_FORM.values()))}]"
    found = redacted(Review(path, about="user"), Review(path, about="version"))
    assert path not in {one.path for one in found}
    assert len({one.violation for one in found}) == 2


def test_the_cost_of_a_path_grows_with_its_length() -> None:
    assert cost_growth(lambda size: _FIELD_NAMES.fullmatch("a" * 20_000 * size + "!")) < 10
    assert cost_growth(lambda size: _FIELD_NAMES.fullmatch("ab." * 20_000 * size + "!")) < 10
