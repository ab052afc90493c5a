"""The matcher of waivers, and what becomes of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from leadline.model.waiver import LabelRequirement, ObjectMatch, Waiver, WaiverMatch
from leadline.waivers.apply import Waivers
from leadline.waivers.match import (
    PatternError,
    Problem,
    Subject,
    compiled,
    covers,
    is_broad,
    problems_of,
    resolved,
)

AGENT = Subject(
    kind="DaemonSet",
    name="agent",
    namespace="logging",
    id="apps/v1/logging/DaemonSet/agent",
    labels={"app": "fluent"},
    annotations={"team": "ops"},
    containers=("main", "init"),
    paths=("deploy/base/agent.yaml",),
    images=("nginx:1.27", "docker.io/library/nginx:1.27"),
    image_parts={
        "registry": "docker.io",
        "organization": "library",
        "imageName": "nginx",
        "imageTag": "1.27",
    },
    cluster="prod-eu",
)
PRIVILEGED = Problem(controls=("C-0057", "Privileged container"), severities=("high",))
CVE = Problem(vulnerabilities=("CVE-2024-1", "GHSA-x"), package="zlib1g", severities=("high",), has_fix=True)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"controls": ("c-0057",)},
        {"controls": ("C-0001", "C-00*")},
        {"controls": ("Privileged container",)},
        {"kinds": ("daemonset",), "names": ("agent",)},
        {"names": ("ag*",), "namespaces": ("log?ing",)},
        {"labels": {"app": "fluent"}},
        {"labels": {"team": "*"}},
        {"containers": ("init",)},
        {"paths": ("deploy/",)},
        {"paths": ("base/",)},
        {"paths": ("deploy/*.yaml",)},
        {"images": ("docker.io/library/*",)},
        {"clusters": ("prod-*",)},
        {"controls": ("C-0057|C-0001",), "names": ("agent.*",), "writing": "regex"},
    ],
)
def test_it_matches(fields):
    assert covers(WaiverMatch(**fields), PRIVILEGED, AGENT)


@pytest.mark.parametrize(
    "fields",
    [
        {"controls": ("C-0058",)},
        {"controls": ("C-0057",), "namespaces": ("shop",)},
        {"vulnerabilities": ("CVE-2024-1",)},
        {"packages": ("zlib1g",)},
        {"sort": "vulnerabilities"},
        {"labels": {"app": "fluent", "team": "ops"}},
        {"labels": {"gone": "*"}},
        {"names": ("agen",)},
        {"names": ("agen",), "writing": "regex"},
        {"names": ("Agent",)},
        {"paths": ("ploy/",)},
        {"clusters": ("prod",)},
        {"names": ("a*",), "writing": "exact"},
    ],
)
def test_it_does_not_match(fields):
    assert not covers(WaiverMatch(**fields), PRIVILEGED, AGENT)


def test_what_a_finding_does_not_have_is_not_matched_by_everything():
    nothing = Subject()
    for field in ("kinds", "names", "namespaces", "ids", "containers", "paths", "images", "clusters"):
        assert not covers(WaiverMatch(**{field: ("*",)}), PRIVILEGED, nothing)


def test_aliases_and_parts_of_images():
    assert covers(WaiverMatch(vulnerabilities=("ghsa-X",), packages=("zlib*",)), CVE, AGENT)
    assert covers(
        WaiverMatch(sort="vulnerabilities", severities=("High",), image_parts={"imageName": "gin"}),
        CVE,
        AGENT,
    )
    assert not covers(WaiverMatch(sort="vulnerabilities", image_parts={"imageTag": "^1.28"}), CVE, AGENT)
    assert not covers(WaiverMatch(controls=("C-0057",)), CVE, AGENT)


def test_the_name_of_a_namespace_is_its_namespace():
    match = WaiverMatch(namespaces=("shop",))
    assert covers(match, PRIVILEGED, Subject(kind="Namespace", name="shop"))
    assert not covers(match, PRIVILEGED, Subject(kind="Namespace", name="shop", group="other.example"))


@pytest.mark.parametrize(
    ("one", "is_meant"),
    [
        (ObjectMatch("daemonset"), True),
        (ObjectMatch("DaemonSet", "ag*"), True),
        (ObjectMatch("DaemonSet", "agent", "apps"), True),
        (ObjectMatch("DaemonSet", "agent", "APPS"), True),
        (ObjectMatch("DaemonSet", "agent", ""), False),
        (ObjectMatch("DaemonSet", "agent", "other.example"), False),
        (ObjectMatch("Deployment"), False),
        (ObjectMatch("DaemonSet", "Agent"), False),
    ],
)
def test_kind_name_and_group_belong_together(one, is_meant):
    subject = replace(AGENT, group="apps")
    assert covers(WaiverMatch(objects=(ObjectMatch("Pod"), one)), PRIVILEGED, subject) is is_meant
    assert not covers(WaiverMatch(objects=(one,)), PRIVILEGED, Subject())


def test_a_group_that_is_not_known_is_not_the_one_that_is_asked():
    for group in ("", "apps", "*"):
        match = WaiverMatch(objects=(ObjectMatch("DaemonSet", group=group),))
        assert not covers(match, PRIVILEGED, AGENT)
    assert covers(
        WaiverMatch(objects=(ObjectMatch("Pod", group=""),)), PRIVILEGED, Subject(kind="Pod", group="")
    )


KEYS = st.sampled_from(["app", "env", "tier"])
VALUES = st.sampled_from(["a", "b", ""])
REQUIREMENTS = st.one_of(
    st.builds(
        LabelRequirement,
        KEYS,
        st.sampled_from(["In", "NotIn"]),
        st.lists(VALUES, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(LabelRequirement, KEYS, st.sampled_from(["Exists", "DoesNotExist"])),
)


def holds(one: LabelRequirement, labels: dict[str, str]) -> bool:
    """As labels.Requirement.Matches of k8s.io/apimachinery has it."""
    if one.operator in ("Exists", "DoesNotExist"):
        return (one.key in labels) == (one.operator == "Exists")
    if one.key not in labels:
        return one.operator == "NotIn"
    return (labels[one.key] in one.values) == (one.operator == "In")


@given(st.lists(REQUIREMENTS, max_size=4), st.dictionaries(KEYS, VALUES))
def test_a_selector_selects_as_kubernetes_selects(requirements, labels):
    match = WaiverMatch(object_labels=tuple(requirements))
    expected = all(holds(one, labels) for one in requirements)
    assert covers(match, PRIVILEGED, Subject(labels=labels, has_labels=True)) is expected
    of_namespace = resolved(WaiverMatch(namespace_labels=tuple(requirements)), {"shop": labels})
    assert covers(of_namespace, PRIVILEGED, Subject(namespace="shop")) is expected
    assert not covers(of_namespace, PRIVILEGED, Subject(kind="Node", name="shop"))


def test_labels_that_are_not_known_and_annotations_fulfil_no_selector():
    for operator in ("NotIn", "DoesNotExist"):
        match = WaiverMatch(object_labels=(LabelRequirement("app", operator, ("a",)),))
        assert not covers(match, PRIVILEGED, Subject())
    annotated = Subject(annotations={"app": "a"}, has_labels=True)
    assert not covers(WaiverMatch(object_labels=(LabelRequirement("app", "Exists"),)), PRIVILEGED, annotated)


def test_namespaces_that_were_not_found_out_are_none():
    assert not covers(WaiverMatch(namespace_labels=()), PRIVILEGED, AGENT)


@pytest.mark.parametrize(
    ("wanted", "is_meant"),
    [
        ("pkg:deb/debian/zlib1g", True),
        ("pkg:deb/debian/zlib1g@1.2.13", True),
        ("pkg:deb/debian/zlib1g@1.2.13?arch=amd64", True),
        ("pkg:deb/debian/zlib1g?arch=amd64", True),
        ("pkg:deb/debian/zlib1g@1.2.13?arch=arm64", False),
        ("pkg:deb/debian/zlib1g@1.2.1", False),
        ("pkg:deb/ubuntu/zlib1g", False),
        ("pkg:apk/debian/zlib1g", False),
        ("pkg:deb/debian/zlib", False),
    ],
)
def test_a_package_url_names_what_it_says_and_no_more(wanted, is_meant):
    problem = replace(CVE, purl="pkg:deb/debian/zlib1g@1.2.13?arch=amd64&distro=debian-12")
    assert covers(WaiverMatch(purls=(wanted,)), problem, AGENT) is is_meant
    assert not covers(WaiverMatch(purls=(wanted,)), CVE, AGENT)


def test_what_holds_in_a_framework_is_accepted_there_alone():
    waivers = held(waiver("x", controls=("C-0057",), frameworks=("nsa",)), waiver("y", controls=("C-1",)))
    assert waivers.has_frameworks
    problem = replace(PRIVILEGED, frameworks=("NSA", "MITRE"))
    assert waivers.find(problem, 1, lambda: [AGENT]) is None
    assert waivers.find_in_frameworks(problem, 1, lambda: [AGENT], ("NSA", "MITRE")) == {"NSA": 0}
    assert [use.findings for use in waivers.uses()] == [1, 0]
    elsewhere = replace(PRIVILEGED, frameworks=("MITRE",))
    assert waivers.find_in_frameworks(elsewhere, 1, lambda: [AGENT], ("MITRE",)) == {}


def test_a_part_of_a_waiver_may_end_before_the_rest():
    matches = (
        WaiverMatch(vulnerabilities=("CVE-2024-1",), expires="2026-11-25"),
        WaiverMatch(vulnerabilities=("CVE-2024-2",), expires="2027-01-01"),
    )
    waivers = held(Waiver(name="x", matches=matches))
    assert waivers.find(CVE, 1, lambda: [AGENT]) is None
    assert waivers.find(replace(CVE, vulnerabilities=("CVE-2024-2",)), 1, lambda: [AGENT]) == 0
    assert [(use.state, use.findings) for use in waivers.uses()] == [("used", 1)]
    over = held(Waiver(name="x", matches=matches[:1]))
    assert over.find(CVE, 1, lambda: [AGENT]) is None
    assert [(use.state, use.findings) for use in over.uses()] == [("expired", 1)]


@pytest.mark.parametrize(
    "pattern",
    ["(a*)*b", "(a|aa)+$", r"(a)\1", "(?=a)", ".*.*.*.*x", "a{1,2000}", "x" * 600, "(", "[z-a]"],
)
def test_an_expression_that_could_be_slow_or_makes_no_sense_is_refused(pattern):
    with pytest.raises(PatternError):
        compiled(pattern, "regex")
    waiver = Waiver(name="x", matches=(WaiverMatch(names=(pattern,), writing="regex"),))
    assert problems_of(waiver)


@pytest.mark.parametrize(
    "pattern", [".*-agent", "(web|api)-[a-z0-9]+", "shop", "", r"a\.b\d{1,3}", "(?:a|b)?c", "(?i)x"]
)
def test_usual_expressions_are_taken(pattern):
    compiled(pattern, "regex")


@given(st.text("ab*?[]", max_size=60), st.text("ab", max_size=200))
def test_globs_never_fail(pattern, text):
    compiled(pattern, "glob")(text)


@given(st.lists(st.sampled_from(["a", ".*", "[ab]+", "(a|b)", "a?", "(?:ab)"]), max_size=8))
def test_what_is_accepted_ends(parts):
    """The worst texts cost a bounded number of steps: three repetitions over 512 characters."""
    pattern = "".join(parts) + "c"
    try:
        test = compiled(pattern, "regex")
    except PatternError:
        return
    assert not test("a" * 200)


def waiver(name, **fields):
    match = {key: fields.pop(key) for key in list(fields) if key in WaiverMatch.__struct_fields__}
    return Waiver(name=name, matches=(WaiverMatch(**match),), **fields)


def held(*waivers, now="2026-11-26T12:00:00Z"):
    return Waivers(waivers, now, lambda match: True)


@pytest.mark.parametrize(
    ("expires", "state"),
    [
        ("", "used"),
        ("2026-11-26", "used"),
        ("2026-11-25", "expired"),
        ("2026-11-26T12:00:00Z", "expired"),
        ("2026-11-26T12:00:01Z", "used"),
        ("2026-11-26T14:00:00+02:00", "expired"),
        ("never", "expired"),
    ],
)
def test_the_end_of_a_waiver(expires, state):
    waivers = held(waiver("x", controls=("C-0057",), expires=expires))
    found = waivers.find(PRIVILEGED, 1, lambda: [AGENT])
    assert (found is None) == (state == "expired")
    assert [(use.state, use.findings) for use in waivers.uses()] == [(state, 1)]


def test_the_first_covers_and_others_that_would_are_not_unused():
    waivers = held(
        waiver("old", controls=("C-0057",), expires="2026-01-01"),
        waiver("first", controls=("C-0057",)),
        waiver("second", names=("agent",)),
        waiver("other", names=("web",)),
    )
    assert waivers.find(PRIVILEGED, 1, lambda: [AGENT]) == 1
    assert [use.state for use in waivers.uses()] == ["expired", "used", "used", "unused"]


def test_of_an_image_everything_that_runs_it_has_to_be_meant():
    web = Subject(kind="Deployment", name="web", namespace="shop", images=("nginx:1.27",))
    limited = held(waiver("x", vulnerabilities=("CVE-2024-1",), namespaces=("logging",)))
    assert limited.find(CVE, 1, lambda: [AGENT, web], is_every=True) is None
    assert limited.find(CVE, 2, lambda: [AGENT], is_every=True) == 0
    several = held(
        waiver("x", vulnerabilities=("CVE-2024-1",), namespaces=("logging",)),
        waiver("y", vulnerabilities=("CVE-2024-1",), namespaces=("shop",)),
        waiver("z", vulnerabilities=("CVE-2024-2",), namespaces=("shop",)),
    )
    assert several.find(CVE, 1, lambda: [AGENT, web], is_every=True) == 0
    assert (
        several.find(replace(CVE, vulnerabilities=("CVE-2024-2",)), 1, lambda: [AGENT, web], is_every=True)
        is None
    )
    assert [use.findings for use in several.uses()] == [1, 1, 1]
    everywhere = held(waiver("x", vulnerabilities=("CVE-2024-1",), images=("nginx:*",)))
    assert everywhere.find(CVE, 1, lambda: [AGENT, web], is_every=True) == 0


def test_one_may_end_with_a_fix():
    waivers = held(waiver("x", vulnerabilities=("CVE-2024-1",), until_fixed=True))
    assert waivers.find(CVE, 1, lambda: [AGENT]) is None
    assert waivers.find(Problem(vulnerabilities=("CVE-2024-1",)), 1, lambda: [AGENT]) == 0


@pytest.mark.parametrize(
    ("fields", "broad"),
    [
        ({}, True),
        ({"controls": ("C-0057",)}, True),
        ({"namespaces": ("shop",)}, True),
        ({"controls": ("*",), "names": ("a",)}, True),
        ({"controls": ("C-0057",), "names": ("*",)}, True),
        ({"controls": ("C-0057",), "names": (".*",), "writing": "regex"}, True),
        ({"controls": ("C-0057",), "clusters": ("prod",)}, True),
        ({"controls": ("C-0057",), "names": ("a",)}, False),
        ({"vulnerabilities": ("CVE-1",), "packages": ("zlib",)}, False),
        ({"vulnerabilities": ("CVE-1",), "images": ("nginx:*",)}, False),
    ],
)
def test_what_is_too_broad(fields, broad):
    assert is_broad(waiver("x", **fields)) is broad


def test_many_waivers_and_findings_cost_their_sum():
    """Objects are held against all waivers once, findings only against those that are about their object."""
    waivers = held(*(waiver(str(i), controls=("C-0057",), names=(f"web-{i}",)) for i in range(500)))
    asked = []

    def subjects(i):
        asked.append(i)
        return [Subject(kind="Pod", name=f"web-{i}")]

    for _ in range(20):
        for i in range(50):
            assert waivers.find(PRIVILEGED, i, lambda i=i: subjects(i)) == i
    assert len(asked) == 50
