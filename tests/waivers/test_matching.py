"""The matcher of waivers, and what becomes of each."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadline.model.waiver import Waiver, WaiverMatch
from leadline.waivers.apply import Waivers
from leadline.waivers.match import Problem, Subject, covers, is_broad, problems_of
from leadline.waivers.patterns import PatternError, compiled

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
PRIVILEGED = Problem(controls=("C-0057", "Privileged container"), severity="high")
CVE = Problem(vulnerabilities=("CVE-2024-1", "GHSA-x"), package="zlib1g", severity="high", has_fix=True)


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
    shop = Subject(kind="Namespace", name="shop")
    assert covers(WaiverMatch(namespaces=("shop",)), PRIVILEGED, shop)


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
