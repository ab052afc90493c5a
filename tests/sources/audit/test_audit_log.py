"""Audit logs: what a request was, who made it, and what of a log could not be read."""

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadline.errors import SourceError
from leadline.model.access import OTHER_NAME, RecordedRequest, Subject
from leadline.sources.audit.log import AuditLimits, read_audit_logs

ALICE = Subject("User", "", "alice")
ALLOWED = {"authorization.k8s.io/decision": "allow"}


def event(verb="get", reference=None, *, user="alice", groups=(), **more):
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "stage": "ResponseComplete",
        "requestURI": "/api/v1/x?limit=5",
        "verb": verb,
        "user": {"username": user, "groups": list(groups), "extra": {"a": ["b"]}},
        "objectRef": reference or {"resource": "pods", "namespace": "shop", "name": "p", "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": "2026-01-02T03:04:05.000000Z",
        "annotations": ALLOWED,
        **more,
    }


@pytest.fixture
def read(tmp_path: Path):
    def once(*lines, names=(), limits=None):
        path = tmp_path / "audit.log"
        texts = (line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        path.write_bytes(b"\n".join(texts) + b"\n")
        return read_audit_logs([str(path)], frozenset(names), limits or AuditLimits())

    return once


def test_a_request_is_what_a_rule_can_speak_of(read):
    scale = {
        "resource": "deployments",
        "subresource": "scale",
        "apiGroup": "apps",
        "namespace": "shop",
        "name": "web",
    }
    found = read(event(), event("update", scale, groups=["b", "a", "b"]), names=["web"])
    assert found.requests == {
        RecordedRequest(ALICE, (), "get", "", "pods", "shop", OTHER_NAME): 1,
        RecordedRequest(ALICE, ("a", "b"), "update", "apps", "deployments/scale", "shop", "web"): 1,
    }
    assert (found.observed.events, found.observed.refused, found.unread) == (2, 0, ())


def test_what_was_created_had_no_name_when_it_was_decided(read):
    (request,) = read(event("create"), names=["p"]).requests
    assert request.name == ""
    token = {"resource": "serviceaccounts", "subresource": "token", "namespace": "shop", "name": "p"}
    (request,) = read(event("create", token), names=["p"]).requests
    assert request.name == "p"


def test_a_page_is_known_by_its_path(read):
    (request,) = read(event(objectRef=None, requestURI="/metrics?x=1")).requests
    assert (request.path, request.resource, request.verb) == ("/metrics", "", "get")


def test_a_request_counts_as_the_one_who_is_impersonated_and_so_does_the_impersonation(read):
    other = {"username": "system:serviceaccount:shop:api", "groups": ["g"]}
    found = read(event(impersonatedUser=other, groups=["devs"]), names=["api"]).requests
    assert set(found) == {
        RecordedRequest(
            Subject("ServiceAccount", "shop", "api"), ("g",), "get", "", "pods", "shop", OTHER_NAME
        ),
        RecordedRequest(ALICE, ("devs",), "impersonate", "", "serviceaccounts", "shop", "api"),
        RecordedRequest(ALICE, ("devs",), "impersonate", "", "groups", "", OTHER_NAME),
    }


def test_what_was_refused_is_counted_and_not_used(read):
    denied = event(annotations={"authorization.k8s.io/decision": "forbid"})
    unsaid = event(annotations=None, responseStatus={"code": 403})
    found = read(denied, unsaid, event("list", annotations=None))
    assert found.observed.refused == 2
    assert [one.verb for one in found.requests] == ["list"]


def test_one_request_counts_once_whatever_its_stages(read):
    found = read(event(stage="RequestReceived", annotations=None), event())
    assert list(found.requests.values()) == [1]


def test_the_time_is_that_between_the_first_and_the_last(read):
    found = read(
        event(requestReceivedTimestamp="2026-01-03T00:00:00.000000Z"),
        event(requestReceivedTimestamp="2026-01-01T00:00:00.000000Z"),
        event(requestReceivedTimestamp="9999; drop"),
    )
    assert (found.observed.first, found.observed.last) == (
        "2026-01-01T00:00:00.000000Z",
        "2026-01-03T00:00:00.000000Z",
    )


def test_a_list_of_events_is_read_as_its_events(read):
    assert read({"kind": "EventList", "items": [event(), event("list")]}).observed.events == 2


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["http://[::1", "9999-99-99T99:99:99Z"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(("username", "groups", "resource", "code")), inner),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from((*event(), "impersonatedUser", "items")), ANYTHING))
def test_an_event_with_any_fields_costs_no_more_than_itself(tmp_path_factory, fields):
    path = tmp_path_factory.mktemp("log") / "audit.log"
    path.write_text(f"{json.dumps(event())}\n{json.dumps({**event(), **fields})}\n")
    found = read_audit_logs([str(path)])
    assert found.requests[RecordedRequest(ALICE, (), "get", "", "pods", "shop", OTHER_NAME)]
    assert found.observed.first == "2026-01-02T03:04:05.000000Z"
    assert found.observed.events > 1 or found.unread or fields.get("kind") == "EventList"


@pytest.mark.parametrize("uri", ["http://[::1", "//[", "/healthz?a=b", ""])
def test_a_page_of_any_address_is_read(read, uri):
    found = read(
        event(requestURI=uri, objectRef=None), event(requestReceivedTimestamp="9999-99-99T99:99:99Z")
    )
    assert [one.path for one in found.requests] == [uri.partition("?")[0], ""]
    assert found.observed.last == "2026-01-02T03:04:05.000000Z"


def test_lines_that_are_no_events_are_named_and_cost_themselves(read):
    found = read(
        event(),
        b"not json",
        b"\xff\xfe",
        {"kind": "Pod"},
        b"[" * 100_000,
        b'{"kind":"Event","user":' * 5_000,
        {"kind": "Event", "user": 3},
        event("list"),
    )
    assert len(found.requests) == 2
    (unread,) = found.unread
    assert (unread.why, unread.line, unread.reason) == ("6 lines are not audit events", 2, "malformed")


def test_a_line_that_is_too_long_is_skipped_to_its_end(read):
    limits = AuditLimits(line_bytes=2_000)
    found = read(event(), event(annotations={"x": "y" * 5_000_000, **ALLOWED}), event("list"), limits=limits)
    assert [one.verb for one in found.requests] == ["get", "list"]
    assert [one.why for one in found.unread] == ["1 line is not an audit event"]


def test_more_sorts_of_requests_than_are_kept_are_counted(read):
    lines = [event(user=f"u{i}") for i in range(20)]
    found = read(*lines, limits=AuditLimits(requests=5))
    assert len(found.requests) == 5
    assert [one.why for one in found.unread] == ["15 requests beyond 5 sorts of requests were not kept"]


def test_names_that_no_rule_has_do_not_add_up(read):
    lines = [event(reference={"resource": "pods", "namespace": "shop", "name": f"p{i}"}) for i in range(50)]
    assert len(read(*lines).requests) == 1


def test_a_log_that_is_larger_than_is_read_is_named(read):
    found = read(*[event()] * 50, limits=AuditLimits(total_bytes=5_000))
    assert 0 < found.observed.events < 50
    assert [one.reason for one in found.unread] == ["too large"]


def test_a_compressed_log_is_read_and_one_that_ends_early_is_named(tmp_path):
    lines = "".join(json.dumps(event(user=f"u{i}")) + "\n" for i in range(5_000)).encode()
    whole = gzip.compress(lines)
    path = tmp_path / "audit.log.gz"
    path.write_bytes(whole)
    assert read_audit_logs([str(path)]).observed.events == 5_000
    path.write_bytes(whole[: len(whole) // 2])
    found = read_audit_logs([str(path)])
    assert 0 < found.observed.events < 5_000
    assert found.unread[0].why.startswith("the log ends early: ")


def test_a_bomb_is_read_no_further_than_the_limit(tmp_path):
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(json.dumps(event()).encode() + b"\n" + b" " * 50_000_000))
    found = read_audit_logs([str(path)], limits=AuditLimits(line_bytes=1_000, total_bytes=3_000_000))
    assert found.observed.events == 1
    assert [one.reason for one in found.unread] == ["too large"]


@pytest.mark.parametrize("content", [b"", b"\n", b"hello\n", b"{}\n", b"\x1f\x8bxx"])
def test_what_is_no_audit_log_is_no_empty_one(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(SourceError):
        read_audit_logs([str(tmp_path / "x")])
    with pytest.raises(SourceError):
        read_audit_logs([str(tmp_path)])
    with pytest.raises(SourceError):
        read_audit_logs([str(tmp_path / "none")])
