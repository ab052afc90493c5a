"""Reviews that are none, and answers within the bounds of the API server."""

import json
from typing import Any

import pytest
from reviews import PRIVILEGED, container, decided, pod, review, reviewer, with_metadata

from leadline.programs.admission.wire import Answer, Malformed, TooLarge, bounded, read_review, written

HOSTILE = "\x1b[31m\u202egod\u0000\r\n::error::\U0001f4a3"


def read(answer: Answer) -> dict[str, Any]:
    whole = json.loads(written(answer))
    assert whole["apiVersion"] == "admission.k8s.io/v1"
    assert whole["kind"] == "AdmissionReview"
    response: dict[str, Any] = whole["response"]
    return response


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"}',
        b'{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":{"uid":"1","operation":"CREATE"}}',
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"","operation":"CREATE"}}',
        b'{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":1,"operation":"CREATE"}}',
        b"[" * 1_000_000,
        b"\xff\xfe",
        b'{"apiVersion":"\xed\xa0\x80"}',
    ],
)
def test_what_is_no_review_is_refused_without_repeating_it(content: bytes):
    with pytest.raises(Malformed) as refused:
        read_review(content)
    assert len(str(refused.value)) < 80


def test_what_is_nested_too_deep_to_be_read_is_answered_all_the_same():
    deep = review({"kind": "Pod", "spec": "DEEP"}).replace(b'"DEEP"', b'{"a":' * 5_000 + b"1" + b"}" * 5_000)
    with pytest.raises(TooLarge) as refused:
        read_review(deep)
    assert refused.value.uid == "705ab4f5-6393-11e8-b7cc-42010a800002"
    assert not reviewer(enforce=True).too_large(refused.value.uid, refused.value.why).answer.is_allowed


@pytest.mark.parametrize("object", [[], "text", 1, None, True])
def test_what_is_no_object_is_not_judged(object: Any):
    found = decided(reviewer(enforce=True, guarded_failure_policy="Ignore"), review({}, object=object))
    assert found.why in ("no object", "the object cannot be decoded")
    assert (found.outcome, found.answer.is_allowed) == ("not judged", True)


def test_an_answer_has_the_uid_that_it_is_to():
    assert read(Answer("1")) == {"uid": "1", "allowed": True}


def test_a_denial_is_a_status():
    denied = read(Answer("1", False, message="C-0057"))
    assert denied["allowed"] is False
    assert denied["status"]["code"] == 403
    assert denied["status"]["message"] == "C-0057"


def test_warnings_stay_within_what_the_api_server_shows():
    assert [len(one) for one in bounded(["a" * 300])] == [256]
    kept = bounded(["ä" * 256] * 20)
    assert sum(len(one.encode()) for one in kept) <= 4096
    assert len(kept) == 8


def test_control_characters_of_names_reach_no_terminal():
    body = with_metadata(
        pod(
            container(HOSTILE, **PRIVILEGED),
            volumes=[{"name": HOSTILE, "hostPath": {"path": f"/var/run/docker.sock{HOSTILE}"}}],
        ),
        annotations={HOSTILE: HOSTILE},
        labels={HOSTILE: HOSTILE},
    )
    settings = {"warn_severity": "unknown", "most_warnings": 50}
    for found in (
        decided(reviewer(**settings), review(body)),
        decided(reviewer(enforce=True, deny_severity="unknown", **settings), review(body)),
    ):
        response = read(found.answer)
        texts = [*response.get("warnings", ()), *response.get("status", {}).get("message", "").splitlines()]
        assert texts
        for text in (*texts, *response["auditAnnotations"].values()):
            assert text.isprintable(), ascii(text)
            assert "::error" not in text


def test_values_of_an_object_are_in_no_answer():
    secret = "AKIA" + "Q" * 16
    body = pod(
        container(env=[{"name": "AWS_ACCESS_KEY_ID", "value": secret}, {"name": "password", "value": secret}])
    )
    found = decided(reviewer(warn_severity="unknown", most_warnings=50), review(body))
    assert len(found.answer.warnings) > 5
    assert secret not in written(found.answer).decode()


def test_every_setting_is_documented_with_its_default():
    from pathlib import Path

    import msgspec

    from leadline.programs.admission.settings import Settings

    text = (Path(__file__).parents[3] / "docs" / "admission.md").read_text()
    shown = text.partition("## Settings")[2]
    places = {"namespace", "kubeconfig", "kubeContext", "host", "port", "metricsPort", "certificate", "key"}
    places |= {"ownCertificateFor", "webhook", "clusterName"}
    for field in msgspec.structs.fields(Settings):
        if field.encode_name not in places:
            default = field.default
            written = str(default).lower() if isinstance(default, bool) else str(default or '""')
            line = next(one for one in shown.splitlines() if one.startswith(f"{field.encode_name}:"))
            if not isinstance(default, tuple):
                assert written.removesuffix(".0") in line, line
