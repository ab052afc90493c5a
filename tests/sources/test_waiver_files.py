"""Files of waivers: ours, the ecosystem's exceptions, objects; and those that make no sense."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from leadline.errors import LeadlineError, SourceError, UsageError
from leadline.model.resource import Origin, resource_of
from leadline.model.waiver import ObjectMatch, Waiver
from leadline.scans.waivers.waiving import in_namespaces
from leadline.sources.waivers.marks import annotated, comments
from leadline.sources.waivers.reader import MOST_WAIVERS, read_waivers
from leadline.sources.waivers.schema import schema
from leadline.sources.waivers.security_exceptions import security_exception

OURS = """\
version: 1
waivers:
  - name: agent
    reason: reads logs of its node
    owner: ops
    ticket: SEC-1
    expires: 2027-01-31
    match: {controls: [C-0048], namespaces: [logging], labels: {app: fluent}, paths: [deploy/]}
  - reason: not reachable
    untilFixed: true
    match: {vulnerabilities: [CVE-2024-1], packages: [zlib*], images: ["nginx:*"]}
"""
EXCEPTIONS = [
    {
        "name": "accept-agent",
        "policyType": "postureExceptionPolicy",
        "actions": ["alertOnly"],
        "reason": "reviewed",
        "expirationDate": "2027-01-31T00:00:00Z",
        "resources": [
            {
                "designatorType": "Attributes",
                "attributes": {"namespace": "log.*", "kind": "DaemonSet", "app": "fluent"},
            },
            {"designatorType": "Attributes", "attributes": {}},
        ],
        "posturePolicies": [{"frameworkName": "NSA", "controlID": "C-0048"}, {"controlName": "Host network"}],
    },
    {
        "metadata": {"name": "some-cves"},
        "kind": "VulnerabilitiesIgnorePolicy",
        "targets": [{"designatorType": "Attributes", "attributes": {"imageName": "web", "imageTag": ""}}],
        "vulnerabilities": ["CVE-2024-0001"],
        "severities": ["low"],
    },
]


def read(folder: Path, text: str, name: str = "w.yaml") -> tuple[Waiver, ...]:
    (folder / name).write_text(text)
    return read_waivers(str(folder / name))


def test_our_own_file(tmp_path):
    agent, zlib = read(tmp_path, OURS)
    assert (agent.name, agent.reason, agent.owner, agent.ticket, agent.expires) == (
        "agent",
        "reads logs of its node",
        "ops",
        "SEC-1",
        "2027-01-31",
    )
    assert agent.matches[0].labels == {"app": "fluent"}
    assert zlib.name == "number 2"
    assert zlib.matches[0].until_fixed
    assert not agent.is_from_target
    assert not agent.matches[0].until_fixed


def test_the_schema_takes_what_is_read_and_refuses_what_is_not():
    validator = Draft202012Validator(schema())
    import yaml

    good = yaml.load(OURS, Loader=yaml.BaseLoader) | {"version": 1}
    good["waivers"][1]["untilFixed"] = True
    assert list(validator.iter_errors(good)) == []
    assert list(validator.iter_errors({"waivers": [{"match": {}}]}))
    assert list(validator.iter_errors({"waivers": [{"reason": "x", "match": {"kind": "Pod"}}]}))


def test_exceptions_of_the_ecosystem(tmp_path):
    posture, images = read(tmp_path, json.dumps(EXCEPTIONS), "e.json")
    assert [(m.controls, m.namespaces, m.kinds, dict(m.labels)) for m in posture.matches] == [
        (("C-0048",), ("log.*",), ("DaemonSet",), {"app": "fluent"}),
        (("Host network",), ("log.*",), ("DaemonSet",), {"app": "fluent"}),
    ]
    assert {m.writing for m in posture.matches} == {"regex"}
    assert [(m.vulnerabilities, m.severities, dict(m.image_parts)) for m in images.matches] == [
        (("CVE-2024-0001",), (), {"imageName": "web"}),
        ((), ("low",), {"imageName": "web"}),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no waivers"),
        ("a: b: c", "w.yaml:1"),
        ("just text", "neither waivers nor exceptions"),
        ("waivers: 1", "waivers: must be a list, not a whole number"),
        ("waivers: [{match: {}}]", "reason"),
        ("waivers: [{reason: '', match: {}}]", "no reason"),
        ("waivers: [{reason: x, match: {}, expire: 2027-01-01}]", "expire"),
        ("waivers: [{reason: x, match: {kind: Pod}}]", "kind"),
        ("waivers: [{reason: x, match: {kinds: Pod}}]", "kinds"),
        ("waivers: [{reason: x, match: {}, expires: soon}]", "not a date"),
        ("version: 2\nwaivers: []", "version 2"),
        ("[1]", "exception 1"),
        ('[{"resources": [{"attributes": {"name": "(a+)+"}}]}]', "repeats a group"),
        ('[{"resources": [{"attributes": {"name": 3}}]}]', "is not text"),
        ('[{"policyType": "other"}]', "policyType other"),
        (
            '[{"resources": [{"attributes": {"name": "x"}}], "posturePolicies": [{"ruleName": "r"}]}]',
            "ruleName",
        ),
        ("&a [*a, *a]", "w.yaml"),
    ],
)
def test_what_cannot_be_used_is_one_line(tmp_path, text, words):
    with pytest.raises(LeadlineError) as error:
        read(tmp_path, text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_has_bounds(tmp_path):
    with pytest.raises(SourceError, match="larger than 4 MiB"):
        read(tmp_path, " " * (4 << 20) + "x")
    with pytest.raises(UsageError, match="more than 10,000"):
        read(tmp_path, "[" + "{}," * (MOST_WAIVERS + 1) + "]")
    with pytest.raises(LeadlineError):
        read(tmp_path, "[" * 5000)
    many = {
        "resources": [{"attributes": {"name": "x"}}] * 200,
        "posturePolicies": [{"controlID": "C-1"}] * 200,
    }
    with pytest.raises(UsageError, match="combinations"):
        read(tmp_path, json.dumps([many]))
    with pytest.raises(SourceError):
        read_waivers(str(tmp_path))


def security(kind: str, spec: dict, namespace: str = "shop") -> dict:
    metadata = {"name": "x"} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "kubescape.io/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}


def test_a_security_exception_speaks_of_its_namespace():
    body = security(
        "SecurityException",
        {
            "reason": "r",
            "author": "ops",
            "expiresAt": "2027-01-31T00:00:00Z",
            "match": {"resources": [{"kind": "Deployment", "name": "web"}], "images": ["nginx:*"]},
            "posture": [{"controlID": "C-0017", "action": "ignore"}],
            "vulnerabilities": [
                {
                    "vulnerability": {"id": "CVE-1", "aliases": ["GHSA-1"]},
                    "status": "not_affected",
                    "justification": "component_not_present",
                    "impactStatement": "we build without it",
                    "expiredOnFix": True,
                },
                {"vulnerability": {"id": "CVE-2"}, "status": "affected", "response": ["will_not_fix"]},
                {"vulnerability": {"id": "CVE-3"}, "status": "affected", "response": ["will_not_fix"]},
            ],
        },
    )
    waiver = security_exception(body, "se.yaml")
    assert isinstance(waiver, Waiver)
    assert {m.namespaces for m in waiver.matches} == {("shop",)}
    assert [(m.controls or m.vulnerabilities, m.until_fixed, m.statement) for m in waiver.matches] == [
        (("C-0017",), False, ""),
        (("CVE-1", "GHSA-1"), True, "not_affected, component_not_present: we build without it"),
        (("CVE-2", "CVE-3"), False, "affected, will_not_fix"),
    ]
    assert {m.objects for m in waiver.matches} == {(ObjectMatch("Deployment", "web"),)}
    assert waiver.is_from_target


def selected(selector: Any, namespaces: dict[str, dict[str, str]]) -> Any:
    """Names of the namespaces that a cluster-wide exception is about, or why it cannot be used."""
    spec = {"match": {"namespaceSelector": selector}, "posture": [{"controlID": "C-1"}]}
    found = security_exception(security("ClusterSecurityException", spec, ""), "x")
    return found if isinstance(found, str) else in_namespaces([found], namespaces)[0].matches[0].namespaces


def test_a_cluster_wide_one_asks_for_labels_of_namespaces():
    selector = {"matchLabels": {"env": "dev"}}
    assert selected(selector, {"a": {"env": "dev"}, "b": {"env": "prod"}}) == ("a",)
    assert selected(selector, {}) == ("",)
    assert selected({}, {"a": {}}) == ("a",)


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ({"operator": "In", "values": ["dev", "test"]}, ("a", "b")),
        ({"operator": "NotIn", "values": ["dev"]}, ("b", "c")),
        ({"operator": "Exists"}, ("a", "b")),
        ({"operator": "DoesNotExist"}, ("c",)),
    ],
)
def test_namespaces_are_selected_as_kubernetes_selects(expression, chosen):
    labels = {"a": {"env": "dev"}, "b": {"env": "test"}, "c": {}}
    assert selected({"matchExpressions": [{"key": "env", **expression}]}, labels) == chosen


@pytest.mark.parametrize(
    ("selector", "words"),
    [
        ({"matchExpressions": [{"key": "a", "operator": "Near"}]}, "matchExpressions[0].operator"),
        ({"matchExpressions": [{"key": "a", "operator": "In"}]}, "In needs values"),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": []}]}, "NotIn needs values"),
        ({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}, "takes no values"),
        ({"matchExpressions": [{"key": "a b", "operator": "Exists"}]}, "not a valid label key"),
        ({"matchLabels": {"a": "b*"}}, "not a valid label value"),
        ({"matchLabels": {"a": 3}}, "matchLabels"),
        ({"matchLabel": {"a": "b"}}, "matchLabel: is not a known field"),
        ([], "must be a mapping"),
    ],
)
@pytest.mark.parametrize("name", ["objectSelector", "namespaceSelector"])
def test_a_selector_that_the_api_server_refuses_makes_the_exception_unusable(name, selector, words):
    spec = {"match": {name: selector}, "posture": [{"controlID": "C-1"}]}
    why = security_exception(security("ClusterSecurityException", spec, ""), "x")
    assert isinstance(why, str)
    assert f"spec.match.{name}" in why
    assert words in why


def test_annotations_of_ours_and_of_the_ecosystem():
    annotations = {
        "leadline.dev/accept": "C-0057, C-0016",
        "leadline.dev/accept-reason": "r",
        "kubescape.io/skip-controls": "C-0001",
        "kubescape.io/skip-expiry": "2027-01-31T00:00:00Z",
    }
    pod = resource_of(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x", "annotations": annotations}},
        Origin(path="a.yaml"),
    )
    ours, others = annotated(pod)
    assert ours.matches[0].controls == ("C-0057", "C-0016")
    assert {m.ids for m in ours.matches} == {(pod.id,)}
    assert (ours.reason, others.expires) == ("r", "2027-01-31T00:00:00Z")


@pytest.mark.parametrize("value", [3, None, ["C-1"], " , ", {}])
def test_an_annotation_that_is_no_list_of_ids_accepts_nothing(value):
    body = {"kind": "Pod", "metadata": {"name": "x", "annotations": {"leadline.dev/accept": value}}}
    assert annotated(resource_of(body, Origin(path="a.yaml"))) == ()
    assert annotated(resource_of({"kind": "Pod", "metadata": 3}, Origin(path="a.yaml"))) == ()


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("a: 1  # leadline: accept C-0057 why", ("C-0057", "why", "")),
        (
            "# leadline:accept C-0057, C-0016 until 2027-01-31 why not",
            ("C-0057,C-0016", "why not", "2027-01-31"),
        ),
        ("#leadline: accept L-0033", ("L-0033", "", "")),
        ("a: b#leadline: accept C-0057", None),
        ("a: 1  # leadline accept C-0057", None),
        ("a: 1  # leadline: accept", None),
        ("# leadline: accept " + "C-1," * 100_000, None),
    ],
)
def test_comments(line, found):
    got = [(",".join(c.controls), c.reason, c.until) for c in comments([line])]
    assert got == ([found] if found else [])


def test_a_comment_alone_on_its_line_speaks_of_the_next_that_is_none():
    lines = [
        "a:",
        "  # leadline: accept C-1 x",
        "  # more about it",
        "  b: 1  # leadline: accept C-2 y",
        "  c: 1",
    ]
    assert [c.covers for c in comments(lines)] == [(2, 4), (4,)]
