"""Every field that an exception can have: it narrows what is accepted, says nothing about it, or is refused by its name."""

import copy
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from leadline.model.waiver import Waiver
from leadline.scans.waivers.waiving import in_namespaces
from leadline.sources.waivers.exception_spec import ClusterExceptionSpec, ExceptionSpec
from leadline.sources.waivers.exceptions import (
    DESIGNATOR,
    ENTRY,
    IMAGE_ENTRY,
    POSTURE_POLICY,
    exception_of,
)
from leadline.sources.waivers.label_selectors import NotUsableError
from leadline.sources.waivers.security_exceptions import security_exception
from leadline.waivers.apply import Waivers, why_unusable
from leadline.waivers.match import Problem, Subject

NOW = "2026-11-26T12:00:00Z"
NAMESPACES = {"shop": {"env": "prod"}, "lab": {"env": "dev"}, "bare": {}}
PARTS = {"registry": "docker.io", "organization": "library", "imageName": "nginx", "imageTag": "1.27"}


def subject(
    kind: str, group: str, namespace: str, name: str, labels: Mapping[str, str], image: str
) -> Subject:
    return Subject(
        kind=kind,
        group=group,
        namespace=namespace,
        name=name,
        id=f"{namespace}/{kind}.{group}/{name}",
        labels=labels,
        has_labels=True,
        containers=(f"{name}-main",),
        paths=(f"deploy/{name}.yaml",),
        images=(image,),
        image_parts=PARTS | {"imageName": image},
        cluster="prod-eu",
    )


SUBJECTS = (
    subject("Deployment", "apps", "shop", "web", {"app": "a"}, "nginx"),
    subject("Deployment", "apps", "lab", "web", {"app": "b"}, "nginx"),
    subject("Deployment", "other.example", "shop", "web", {}, "redis"),
    subject("Pod", "", "shop", "bare", {"app": "a", "tier": "x"}, "redis"),
    subject("Pod", "", "bare", "bare", {}, "nginx"),
    subject("Node", "", "", "node1", {"app": "a"}, ""),
    Subject(kind="Deployment", group="apps", namespace="shop", name="unread"),
    Subject(images=("nginx",), image_parts=PARTS),
)
PROBLEMS = (
    Problem(controls=("C-0057", "Privileged container"), frameworks=("NSA", "MITRE"), severities=("high",)),
    Problem(controls=("C-0016", "Escalation"), frameworks=("NSA",), severities=("high",)),
    Problem(controls=("C-0001", "Registries"), frameworks=(), severities=("low",)),
    Problem(
        vulnerabilities=("CVE-1", "GHSA-1"),
        package="zlib",
        purl="pkg:deb/debian/zlib@1.2?arch=amd64",
        severities=("high",),
    ),
    Problem(
        vulnerabilities=("CVE-1", "GHSA-1"),
        package="zlib",
        purl="pkg:deb/debian/zlib@1.3?arch=amd64",
        severities=("high",),
        has_fix=True,
    ),
    Problem(vulnerabilities=("CVE-2",), package="curl", purl="pkg:deb/debian/curl@8", severities=("low",)),
)
VIEWS = ("", "NSA", "MITRE")
"""Of all controls, and of frameworks."""
Accepted = frozenset[tuple[int, int, str]]
"""Places of problem and subject, and the view in which the first is accepted on the second."""


def accepted(waiver: Waiver) -> Accepted:
    (known,) = in_namespaces([waiver], NAMESPACES)
    held = Waivers([known], NOW, lambda match: True)
    found = set()
    for (i, problem), (j, on) in product(enumerate(PROBLEMS), enumerate(SUBJECTS)):
        if held.find(problem, j, lambda on=on: [on]) is not None:
            found |= {(i, j, view) for view in VIEWS if not view or view in (problem.frameworks or ())}
        parts = held.find_in_frameworks(problem, j, lambda on=on: [on], problem.frameworks or ())
        found |= {(i, j, view) for view in parts}
    return frozenset(found)


def of_object(spec: Any, kind: str = "ClusterSecurityException") -> Accepted | str:
    """What the object accepts, or why it cannot be used."""
    metadata = {"name": "x"} | ({"namespace": "shop"} if kind == "SecurityException" else {})
    body = {"apiVersion": "kubescape.io/v1beta1", "kind": kind, "metadata": metadata, "spec": spec}
    waiver = security_exception(body, "x")
    why = waiver if isinstance(waiver, str) else why_unusable(waiver)
    return why or accepted(waiver)  # type: ignore[arg-type]


def of_entry(entry: Any) -> Accepted | str:
    """The same of an entry of a list of exceptions."""
    try:
        waiver = exception_of(entry, "x", "x")
    except NotUsableError as error:
        return str(error)
    return why_unusable(waiver) or accepted(waiver)


NARROWS, SAYS_NOTHING = "narrows", "says nothing"
VULNERABILITY = {"vulnerability": {"id": "CVE-1"}, "status": "affected"}
BASE = {"match": {}, "posture": [{"controlID": "C-*"}], "vulnerabilities": [VULNERABILITY]}
EXPRESSIONS = "spec.match.{}.matchExpressions"
FIELDS: dict[str, tuple[str, Any, Any]] = {
    # What becomes of it, and the two values that are compared.
    "match": (NARROWS, None, {"images": ["redis"]}),
    "match.objectSelector": (NARROWS, None, {"matchLabels": {"app": "a"}}),
    "match.objectSelector.matchLabels": (NARROWS, {}, {"app": "a"}),
    "match.objectSelector.matchExpressions": (NARROWS, [], [{"key": "app", "operator": "Exists"}]),
    "match.objectSelector.matchExpressions.key": (NARROWS, "app", "tier"),
    "match.objectSelector.matchExpressions.operator": (NARROWS, "Exists", "DoesNotExist"),
    "match.objectSelector.matchExpressions.values": (NARROWS, ["a", "b"], ["a"]),
    "match.namespaceSelector": (NARROWS, None, {"matchLabels": {"env": "dev"}}),
    "match.namespaceSelector.matchLabels": (NARROWS, {}, {"env": "dev"}),
    "match.namespaceSelector.matchExpressions": (NARROWS, [], [{"key": "env", "operator": "Exists"}]),
    "match.namespaceSelector.matchExpressions.key": (NARROWS, "env", "gone"),
    "match.namespaceSelector.matchExpressions.operator": (NARROWS, "Exists", "DoesNotExist"),
    "match.namespaceSelector.matchExpressions.values": (NARROWS, ["dev", "prod"], ["dev"]),
    "match.resources": (NARROWS, None, [{"kind": "Deployment"}]),
    "match.resources.kind": (NARROWS, "*", "pod"),
    "match.resources.apiGroup": (NARROWS, None, "apps"),
    "match.resources.name": (NARROWS, None, "web"),
    "match.images": (NARROWS, None, ["nginx"]),
    "reason": (SAYS_NOTHING, None, "known"),
    "author": (SAYS_NOTHING, None, "eve"),
    "expiresAt": (NARROWS, None, "2026-11-25"),
    "posture": (NARROWS, [{"controlID": "C-*"}], [{"controlID": "C-0057"}]),
    "posture.controlID": (NARROWS, "C-*", "C-0057"),
    "posture.frameworkName": (NARROWS, None, "NSA"),
    "posture.action": (SAYS_NOTHING, None, "ignore"),
    "vulnerabilities": (NARROWS, [VULNERABILITY], None),
    "vulnerabilities.vulnerability": (NARROWS, {"id": "CVE-1"}, {"id": "CVE-2"}),
    "vulnerabilities.vulnerability.id": (NARROWS, "CVE-1", "CVE-2"),
    "vulnerabilities.vulnerability.aliases": (NARROWS, ["CVE-2"], None),
    "vulnerabilities.status": (SAYS_NOTHING, "affected", "under_investigation"),
    "vulnerabilities.justification": (SAYS_NOTHING, None, "component_not_present"),
    "vulnerabilities.impactStatement": (SAYS_NOTHING, None, "none"),
    "vulnerabilities.actionStatement": (SAYS_NOTHING, None, "none"),
    "vulnerabilities.response": (SAYS_NOTHING, None, ["will_not_fix"]),
    "vulnerabilities.subcomponents": (NARROWS, None, ["pkg:deb/debian/zlib@1.2"]),
    "vulnerabilities.expiresAt": (NARROWS, None, "2026-11-25"),
    "vulnerabilities.expiredOnFix": (NARROWS, None, True),
}


def fields_of(model: type[Struct], above: str = "") -> Iterator[str]:
    for field in msgspec.structs.fields(model):
        path = f"{above}{field.encode_name}"
        yield path
        for inner in structs_in(field.type):
            yield from fields_of(inner, f"{path}.")


def structs_in(kind: Any) -> Iterator[type[Struct]]:
    if isinstance(kind, type) and issubclass(kind, Struct):
        yield kind
    for argument in get_args(kind):
        yield from structs_in(argument)


def with_field(path: str, value: Any) -> dict[str, Any]:
    """``BASE`` with that value of the field; what it stands in is made as narrow as it has to be."""
    spec: dict[str, Any] = copy.deepcopy(BASE)
    needed = {
        "resources": {"kind": "*"},
        "matchExpressions": {"key": "app", "operator": "Exists"},
        "posture": {"controlID": "C-*"},
        "vulnerabilities": copy.deepcopy(VULNERABILITY),
    }
    if path.startswith("match.namespaceSelector"):
        needed["matchExpressions"]["key"] = "env"
    if path.endswith("values"):
        needed["matchExpressions"]["operator"] = "In"
    *above, name = path.split(".")
    held = spec
    for step in above:
        if step in needed:
            held[step] = held.get(step) or [needed[step]]
            held = held[step][0]
        else:
            held = held.setdefault(step, {})
    held.pop(name, None)
    if value is not None:
        held[name] = value
    return spec


def test_the_table_has_every_field():
    found = {*fields_of(ExceptionSpec), *fields_of(ClusterExceptionSpec)}
    assert found == FIELDS.keys()


@pytest.mark.parametrize("path", FIELDS)
def test_a_field_narrows_what_is_accepted_or_says_nothing_about_it(path):
    what, wide, narrow = FIELDS[path]
    before, after = of_object(with_field(path, wide)), of_object(with_field(path, narrow))
    assert isinstance(before, frozenset), before
    assert isinstance(after, frozenset), after
    assert before
    if what == NARROWS:
        assert after != before
        if not path.endswith((".operator", ".vulnerability", ".id")):
            assert after < before
    else:
        assert after == before


def test_an_exception_of_a_namespace_accepts_nothing_elsewhere():
    everything = of_object(BASE, "SecurityException")
    assert everything
    assert {SUBJECTS[j].namespace for _, j, _ in everything} == {"shop"}
    aimed = {**BASE, "match": {"resources": [{"kind": "Pod", "name": "bare"}, {"kind": "Node"}]}}
    assert {SUBJECTS[j].name for _, j, _ in of_object(aimed, "SecurityException")} == {"bare"}
    selecting = {**BASE, "match": {"namespaceSelector": {}}}
    assert "spec.match.namespaceSelector: is not a known field" in str(
        of_object(selecting, "SecurityException")
    )


REFUSED_SPECS = [
    ({}, "neither posture nor vulnerabilities"),
    (None, "spec: it has none"),
    ({"posture": []}, "neither posture nor vulnerabilities"),
    ({"posture": {"controlID": "C-1"}}, "spec.posture: must be a list or null, not a mapping"),
    ({"posture": [{}]}, "spec.posture[0].controlID: is missing"),
    ({"posture": [{"controlID": ""}]}, "spec.posture[0].controlID"),
    (
        {"posture": [{"controlID": "C-1", "controlId": "C-2"}]},
        "spec.posture[0].controlId: is not a known field",
    ),
    ({"posture": [{"controlID": "C-1", "action": "delete"}]}, "spec.posture[0].action"),
    (
        {"posture": [{"controlID": "C-1"}], "match": {"namespaces": ["a"]}},
        "spec.match.namespaces: is not a known field",
    ),
    (
        {"posture": [{"controlID": "C-1"}], "match": {"images": "nginx"}},
        "spec.match.images: must be a list or null, not text",
    ),
    (
        {"posture": [{"controlID": "C-1"}], "match": {"resources": [{}]}},
        "spec.match.resources[0].kind: is missing",
    ),
    (
        {"posture": [{"controlID": "C-1"}], "match": {"resources": [{"name": "a"}]}},
        "spec.match.resources[0].kind: is missing",
    ),
    ({"posture": [{"controlID": "C-1"}], "expires": "2027-01-01"}, "spec.expires: is not a known field"),
    ({"posture": [{"controlID": "C-1"}], "expiresAt": "soon"}, "spec.expiresAt: soon is neither a day"),
    (
        {"posture": [{"controlID": "C-1"}], "expiresAt": 3},
        "spec.expiresAt: must be text or null, not a whole number",
    ),
    ({"vulnerabilities": [{"vulnerability": {"id": "CVE-1"}}]}, "spec.vulnerabilities[0].status: is missing"),
    ({"vulnerabilities": [VULNERABILITY | {"status": "ignored"}]}, "spec.vulnerabilities[0].status"),
    (
        {"vulnerabilities": [VULNERABILITY | {"status": "not_affected"}]},
        "[0].justification: not_affected needs",
    ),
    ({"vulnerabilities": [VULNERABILITY | {"expiresAt": "soon"}]}, "spec.vulnerabilities[0].expiresAt: soon"),
    ({"vulnerabilities": [VULNERABILITY | {"expiredOnFix": "yes"}]}, "expiredOnFix: must be true or false"),
    ({"vulnerabilities": [VULNERABILITY | {"subcomponents": ["zlib"]}]}, "zlib is not a package URL"),
    ({"vulnerabilities": [VULNERABILITY | {"vulnerability": "CVE-1"}]}, "must be a mapping, not text"),
    ({"posture": [{"controlID": "C-1"}] * 501}, "spec.posture: must be a list of at most 500 entries"),
    ({"posture": [{"controlID": "C" * 254}]}, "spec.posture[0].controlID"),
]


@pytest.mark.parametrize(("spec", "words"), REFUSED_SPECS, ids=lambda one: str(one)[:50])
def test_what_cannot_be_honoured_is_named(spec, words):
    why = of_object(spec)
    assert isinstance(why, str), why
    for word in words.split("|"):
        assert word in why
    assert "\n" not in why
    assert len(why) < 400


# Lists of exceptions

ENTRIES: dict[str, tuple[str, Any, Any]] = {
    "guid": (SAYS_NOTHING, None, "1"),
    "name": (SAYS_NOTHING, None, "n"),
    "attributes": (SAYS_NOTHING, None, {"systemException": True}),
    "creationTime": (SAYS_NOTHING, None, "2026-01-01T00:00:00Z"),
    "updatedTime": (SAYS_NOTHING, None, "2026-01-01T00:00:00Z"),
    "createdBy": (SAYS_NOTHING, None, "eve"),
    "reason": (SAYS_NOTHING, None, "known"),
    "policyType": (SAYS_NOTHING, None, "postureExceptionPolicy"),
    "actions": (SAYS_NOTHING, ["alertOnly"], ["disable"]),
    "expirationDate": (NARROWS, None, "2026-11-26T12:00:00Z"),
    "objectSelector": (NARROWS, None, {"matchLabels": {"app": "a"}}),
    "resources": (NARROWS, None, [{"attributes": {"kind": "Pod"}}]),
    "resources.designatorType": (SAYS_NOTHING, None, "Attributes"),
    "resources.attributes": (NARROWS, {"kind": ".*"}, {"kind": "Pod"}),
    "posturePolicies": (NARROWS, None, [{"controlID": "C-0057"}]),
    "posturePolicies.frameworkName": (NARROWS, None, "nsa"),
    "posturePolicies.controlID": (NARROWS, None, "c-0057"),
    "posturePolicies.controlName": (NARROWS, None, "privileged .*"),
    "posturePolicies.ruleName": ("ruleName", None, "rule-privileged"),
    "posturePolicies.severityScore": ("severityScore", 0, 8),
}
ATTRIBUTES = {
    "cluster": "prod-us",
    "namespace": "sho.",
    "kind": "Pod",
    "name": "we.",
    "resourceID": "shop/.*",
    "path": "deploy/web.yaml",
    "containerName": "bare-main",
    "app": "a|b",
}
IMAGE_ENTRIES: dict[str, tuple[str, Any, Any]] = {
    "apiVersion": (SAYS_NOTHING, None, "v1"),
    "kind": (SAYS_NOTHING, "VulnerabilitiesIgnorePolicy", "VulnerabilitiesIgnorePolicy"),
    "metadata": (SAYS_NOTHING, None, {"name": "n"}),
    "reason": (SAYS_NOTHING, None, "known"),
    "expirationDate": (NARROWS, None, "2026-11-26T12:00:00Z"),
    "targets": (NARROWS, [{"attributes": {}}], [{"attributes": {"imageName": "redis"}}]),
    "targets.designatorType": (SAYS_NOTHING, None, "Attributes"),
    "targets.attributes": (NARROWS, {}, {"imageName": "redis"}),
    "vulnerabilities": (NARROWS, ["CVE-1", "CVE-2"], ["CVE-2"]),
    "severities": (NARROWS, ["low", "high"], ["low"]),
}


def entry_with(path: str, value: Any, *, of_images: bool) -> dict[str, Any]:
    if of_images:
        entry: dict[str, Any] = {
            "kind": "VulnerabilitiesIgnorePolicy",
            "targets": [{}],
            "severities": ["low"],
        }
    else:
        entry = {"resources": [{"attributes": {"cluster": "prod-.*"}}, {"attributes": {"name": ".*"}}]}
    name, _, inner = path.partition(".")
    if inner:
        default = {"attributes": {"name": ".*"}} if name == "resources" else {}
        entry[name] = [{**default, **({} if value is None else {inner: value})}]
    elif value is not None:
        entry[name] = value
    return entry


def test_the_tables_have_every_field_of_a_list():
    above = {*ENTRY, *(f"resources.{one}" for one in DESIGNATOR)}
    assert above | {f"posturePolicies.{one}" for one in POSTURE_POLICY} == ENTRIES.keys()
    assert {*IMAGE_ENTRY, *(f"targets.{one}" for one in DESIGNATOR)} == IMAGE_ENTRIES.keys()


@pytest.mark.parametrize(("path", "of_images"), [*product(ENTRIES, [False]), *product(IMAGE_ENTRIES, [True])])
def test_a_field_of_a_list_narrows_says_nothing_or_is_refused_by_name(path, of_images):
    what, wide, narrow = (IMAGE_ENTRIES if of_images else ENTRIES)[path]
    before = of_entry(entry_with(path, wide, of_images=of_images))
    after = of_entry(entry_with(path, narrow, of_images=of_images))
    assert isinstance(before, frozenset), before
    assert before
    if what == NARROWS:
        assert isinstance(after, frozenset), after
        assert after < before
    elif what == SAYS_NOTHING:
        assert after == before
    else:
        assert isinstance(after, str)
        assert what in after


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_an_attribute_narrows(name):
    before = of_entry({"resources": [{"attributes": {"cluster": "prod-eu"}}]})
    after = of_entry({"resources": [{"attributes": {"cluster": "prod-eu", name: ATTRIBUTES[name]}}]})
    assert isinstance(before, frozenset)
    assert isinstance(after, frozenset)
    assert after < before


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"resource": []}, "resource is not a known field"),
        ({"resources": {}}, "resources is not a list"),
        ({"resources": [3]}, "resources: one of them is not an object"),
        ({"resources": [{"attributes": []}]}, "resources[0].attributes is not an object"),
        ({"resources": [{"designatorType": "Wlid", "wlid": "x"}]}, "resources[0].wlid"),
        ({"resources": [{"designatorType": "Wlid"}]}, "resources[0].designatorType: Wlid is not supported"),
        ({"resources": [{"attributes": {"kind": "a", "Kind": "b"}}]}, "Kind is there twice"),
        ({"actions": ["delete"]}, "actions: delete is not known"),
        ({"actions": "disable"}, "actions is not a list"),
        ({"objectSelector": {"matchExpressions": [{"key": "a"}]}}, "objectSelector"),
        ({"posturePolicies": [{"controlId": "C-1"}]}, "posturePolicies[0].controlId is not a known field"),
        ({"posturePolicies": [{"controlID": 57}]}, "posturePolicies[0].controlID is not text"),
        ({"expirationDate": 2027}, "expirationDate is not text"),
        ({"expirationDate": "soon"}, "its end is not a date: soon"),
        ({"kind": "VulnerabilitiesIgnorePolicy", "expiredOnFix": True}, "expiredOnFix is not a known field"),
        (
            {"kind": "VulnerabilitiesIgnorePolicy", "targets": [{"attributes": {"namespace": "a"}}]},
            "targets[0].attributes.namespace",
        ),
        ({"kind": "VulnerabilitiesIgnorePolicy", "vulnerabilities": [{"name": "CVE-1"}]}, "vulnerabilities"),
    ],
    ids=lambda one: str(one)[:50],
)
def test_what_of_a_list_cannot_be_honoured_is_named(entry, words):
    why = of_entry(entry)
    assert isinstance(why, str), why
    assert words in why


# Nothing that restricts ever widens

LABELS = st.dictionaries(
    st.sampled_from(["app", "env", "tier"]), st.sampled_from(["a", "b", "dev"]), max_size=2
)
EXPRESSION = st.one_of(
    st.builds(
        lambda key, operator, values: {"key": key, "operator": operator, "values": values},
        st.sampled_from(["app", "env", "tier"]),
        st.sampled_from(["In", "NotIn"]),
        st.lists(st.sampled_from(["a", "b", "dev", "prod"]), min_size=1, max_size=3),
    ),
    st.builds(
        lambda key, operator: {"key": key, "operator": operator},
        st.sampled_from(["app", "env", "tier"]),
        st.sampled_from(["Exists", "DoesNotExist"]),
    ),
)
SELECTOR = st.builds(
    lambda labels, rows: {"matchLabels": labels, "matchExpressions": rows},
    LABELS,
    st.lists(EXPRESSION, max_size=2),
)
ABOUT = st.fixed_dictionaries(
    {"kind": st.sampled_from(["Deployment", "pod", "*", "Node"])},
    optional={
        "name": st.sampled_from(["web", "b*", ""]),
        "apiGroup": st.sampled_from(["", "apps", "other.example", "*"]),
    },
)
RESTRICTIONS = {
    "match.objectSelector": SELECTOR,
    "match.namespaceSelector": SELECTOR,
    "match.resources": st.lists(ABOUT, min_size=1, max_size=3),
    "match.images": st.lists(st.sampled_from(["nginx", "re*", "*"]), min_size=1, max_size=2),
    "expiresAt": st.sampled_from(["2026-11-25", "2026-11-26", "2027-01-01", "soon"]),
}
OF_POSTURE = {"frameworkName": st.sampled_from(["NSA", "mitre", "gone"])}
OF_VULNERABILITY = {
    "subcomponents": st.lists(
        st.sampled_from(["pkg:deb/debian/zlib", "pkg:deb/debian/zlib@1.3?arch=arm64", "zlib"]),
        min_size=1,
        max_size=2,
    ),
    "expiresAt": RESTRICTIONS["expiresAt"],
    "expiredOnFix": st.booleans(),
}
POSTURE = st.fixed_dictionaries(
    {"controlID": st.sampled_from(["C-0057", "C-*", "c-0016"])}, optional=OF_POSTURE
)
VULNERABLE = st.fixed_dictionaries(
    {
        "vulnerability": st.sampled_from([{"id": "CVE-1"}, {"id": "CVE-9", "aliases": ["ghsa-1", "CVE-2"]}]),
        "status": st.just("affected"),
    },
    optional=OF_VULNERABILITY,
)
SPEC = st.fixed_dictionaries(
    {
        "posture": st.lists(POSTURE, min_size=1, max_size=3),
        "vulnerabilities": st.lists(VULNERABLE, max_size=3),
        "match": st.fixed_dictionaries(
            {}, optional={name.partition(".")[2]: one for name, one in RESTRICTIONS.items() if "." in name}
        ),
    },
    optional={"expiresAt": RESTRICTIONS["expiresAt"]},
)


@settings(max_examples=400, deadline=None)
@given(SPEC, st.data())
def test_a_restricting_field_never_makes_an_exception_accept_more(spec, data):
    narrower = copy.deepcopy(spec)
    path = data.draw(st.sampled_from([*RESTRICTIONS, *OF_POSTURE, *OF_VULNERABILITY]))
    if path in RESTRICTIONS:
        above, _, name = path.rpartition(".")
        held = narrower[above] if above else narrower
        if name in held:
            return
        held[name] = data.draw(RESTRICTIONS[path])
    else:
        rows = narrower["posture" if path in OF_POSTURE else "vulnerabilities"]
        free = [row for row in rows if path not in row]
        if not free:
            return
        data.draw(st.sampled_from(free))[path] = data.draw((OF_POSTURE | OF_VULNERABILITY)[path])
    for kind in ("SecurityException", "ClusterSecurityException"):
        before, after = of_object(spec, kind), of_object(narrower, kind)
        wide = before if isinstance(before, frozenset) else frozenset()
        narrow = after if isinstance(after, frozenset) else frozenset()
        assert narrow <= wide or isinstance(before, str)
