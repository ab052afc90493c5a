"""Rules evaluated in the child process: what they report, and what becomes of those that misbehave."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadline.posture.languages.rego import (
    RegoAlert,
    RegoAnswer,
    RegoProblem,
    RegoQuestion,
    RegoRule,
    Related,
)
from leadline.sources.child_process import Limits
from leadline.sources.confinement import Modes, offered_modes
from leadline.sources.rego.builtins import decoded, found_with_groups, normalized_image, split, sprintf
from leadline.sources.rego.engine import RegoEngine, has_rego

needs_rego = pytest.mark.skipif(not has_rego(), reason="the rego extra is not installed")
HEAD = "package armo_builtins\nimport rego.v1\n"
DENY = HEAD + "deny contains report if {\n"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "x"}, "spec": {"n": [1]}}
TWIN = POD | {"metadata": {"name": "a", "namespace": "y"}}
SERVICE = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "y"}}
ENDLESS = (
    DENY
    + "\tsome a in numbers.range(1, 4000)\n\tsome b in numbers.range(1, 4000)\n\ta * b == -1\n\treport := {}\n}\n"
)
HUNGRY = HEAD + "deny contains numbers.range(1, 40000000)\n"


@pytest.fixture(scope="module")
def engine() -> Iterator[RegoEngine]:
    with RegoEngine(os.environ) as engine:
        yield engine


def ask(engine: RegoEngine, source: str, *objects, settings=None, cloud="", counting="") -> RegoAnswer:
    rule = RegoRule("r", "r.rego", source, counting, "f.rego")
    return engine.evaluate(RegoQuestion(rule, objects, settings or {}, cloud))


def reporting(fields: str, on: str = "[input[0]]") -> str:
    return DENY + f'\treport := {{"alertObject": {{"k8sApiObjects": {on}}}, {fields}}}\n}}\n'


@needs_rego
def test_paths_and_values_come_back(engine):
    fields = '"deletePaths": ["a"], "fixPaths": [{"path": "b", "value": "true"}, 3], "failedPaths": ["c", 4], "reviewPaths": null'
    assert ask(engine, reporting(fields), POD) == RegoAnswer(
        (RegoAlert((0,), ("a",), (("b", "true"),), ("c",)),)
    )


@needs_rego
def test_names_of_fields_are_read_without_regard_to_case(engine):
    source = DENY + '\treport := {"alertObject": {"k8SApiObjects": input}, "ReviewPaths": ["a"]}\n}\n'
    assert ask(engine, source, POD) == RegoAnswer((RegoAlert((0,), review=("a",)),))


@needs_rego
def test_keys_in_quotes_are_written_as_keys(engine):
    source = reporting('"reviewPaths": [`metadata.annotations[\'a.b/c\']`, `data["d"]`]')
    assert ask(engine, source, POD).alerts[0].review == ("metadata.annotations[a.b/c]", "data[d]")


@needs_rego
def test_an_object_cut_down_to_its_name_is_found_by_its_namespace(engine):
    cut = '[{"kind": "Pod", "metadata": {"name": "a", "namespace": "y"}}]'
    assert ask(engine, reporting('"failedPaths": []', cut), POD, TWIN) == RegoAnswer((RegoAlert((1,)),))


@needs_rego
def test_other_objects_keep_their_own_paths(engine):
    source = reporting('"relatedObjects": [{"object": input[1], "deletePaths": ["spec"]}]')
    assert ask(engine, source, POD, SERVICE) == RegoAnswer(
        (RegoAlert((0,), related=(Related(1, -1, ("spec",), (), ()),)),)
    )


@needs_rego
def test_an_object_that_the_rule_made_is_found_by_its_name_or_its_parts(engine):
    made = '{"kind": "Made", "name": "m", "relatedObjects": [input[0]]}'
    source = DENY + f'\treport := {{"alertObject": {{"externalObjects": {made}}}}}\n}}\n'
    assert ask(engine, source, SERVICE) == RegoAnswer((RegoAlert((0,)),))


@needs_rego
def test_a_subject_comes_with_binding_and_role(engine):
    source = (
        DENY
        + '\tsome subject in input\n\treport := {"alertObject": {"externalObjects": subject}, "reviewPaths": '
        + '["relatedObjects[0].subjects[0]", "relatedObjects[1].rules[0]"]}\n}\n'
    )
    subject, binding, role = {"kind": "User", "name": "u"}, SERVICE, POD
    assert ask(engine, source, (subject, binding, role)) == RegoAnswer(
        (
            RegoAlert(
                (0,),
                related=(
                    Related(0, 0, (), (), ("subjects[0]",)),
                    Related(0, 1, (), (), ("rules[0]",)),
                ),
            ),
        )
    )


@needs_rego
def test_the_filter_tells_what_counts(engine):
    counting = reporting('"failedPaths": []', "[input[1]]")
    assert ask(engine, HEAD + "deny := []\n", POD, SERVICE, counting=counting) == RegoAnswer(counted=(1,))


@needs_rego
def test_settings_and_cloud_are_in_data(engine):
    source = reporting(
        '"reviewPaths": array.concat(data.postureControlInputs.names, [data.dataControlInputs.cloudProvider])'
    )
    answer = ask(engine, source, POD, settings={"names": ("a", "b")}, cloud="eks")
    assert answer.alerts[0].review == ("a", "b", "eks")


@needs_rego
def test_rego_of_before_version_1_is_understood(engine):
    source = 'package armo_builtins\ndeny[report] { report := {"alertObject": {"k8sApiObjects": input}} }\n'
    assert ask(engine, source, POD) == RegoAnswer((RegoAlert((0,)),))


@needs_rego
def test_facts_without_a_body_are_understood(engine):
    source = HEAD + 'known("Pod") # a fact\nknown("Job")\n' + reporting('"failedPaths": []').replace(HEAD, "")
    source = source.replace("deny contains report if {", "deny contains report if {\n\tknown(input[0].kind)")
    assert ask(engine, source, POD) == RegoAnswer((RegoAlert((0,)),))
    assert ask(engine, source, SERVICE) == RegoAnswer()


@needs_rego
def test_functions_that_rules_import_are_there(engine):
    calls = [
        'cautils.list_contains(["a"], "a")',
        'not cautils.list_contains(["a"], "b")',
        'cautils.is_subobject({"a": 1}, {"a": 1, "b": 2})',
        'not cautils.is_subobject({"a": 2}, {"a": 1})',
        'cautils.object_intersection({"a": 1, "b": 2}, {"a": 1, "b": 3}) == {"a": 1}',
        "cautils.unix_permissions_allow(420, 384)",
        "not cautils.unix_permissions_allow(384, 420)",
        "not cautils.unix_permissions_allow(511, 2495)",
        "cautils.is_not_strict_conf_permission(511)",
        'cautils.is_strict_conf_ownership({"uid": 0, "gid": 0})',
        'cautils.is_not_strict_conf_ownership({"uid": 0, "gid": 7})',
        'image.parse_normalized_name("nginx") == "docker.io/library/nginx:latest"',
        'sprintf("%o|%5d|%-3s|%.1f", [420, 7, "a", 1.25]) == "644|    7|a  |1.2"',
    ]
    body = "\n\t".join(calls)
    source = reporting('"failedPaths": []').replace(
        "import rego.v1\n", "import rego.v1\nimport data.cautils\n"
    )
    source = source.replace("deny contains report if {", f"deny contains report if {{\n\t{body}")
    assert ask(engine, source, POD) == RegoAnswer((RegoAlert((0,)),))


@needs_rego
@pytest.mark.parametrize(
    ("source", "problem"),
    [
        (DENY + "\tx = = 3\n}\n", RegoProblem("expecting expression", "r.rego", 4, 6)),
        (
            DENY + "\treport := nothing(1)\n}\n",
            RegoProblem("could not find function nothing", "r.rego", 4, 19),
        ),
        (
            HEAD + 'deny contains "x"\n',
            RegoProblem("what it reports has no alertObject"),
        ),
        (
            HEAD + "x := 3\n",
            RegoProblem("it reports nothing at all: a rule has `deny contains report if { ... }`"),
        ),
        ("", RegoProblem("expecting `package` Missing package declaration", "r.rego", 1, 1)),
        (
            reporting('"failedPaths": []', '[{"kind": "Ghost"}]'),
            RegoProblem("it reports an object that is not among those it was given", "r.rego"),
        ),
        (
            HEAD + 'deny contains {"alertObject": {}}\n',
            RegoProblem("it reports no object: a person has to look", "r.rego"),
        ),
    ],
)
def test_what_is_wrong_with_a_rule_is_said(engine, source: str, problem: RegoProblem):
    assert ask(engine, source, POD).problem == problem


@needs_rego
def test_a_complaint_quotes_no_values_of_objects(engine):
    secret = {"kind": "Secret", "metadata": {"name": "s"}, "data": {"key": "hunter2"}}
    answer = ask(
        engine,
        DENY + "\tcount(input[0].data.key.x) > 1\n\tsum(input[0].data.key) > 1\n\treport := {}\n}\n",
        secret,
    )
    assert answer == RegoAnswer()
    answer = ask(engine, DENY + "\tabs(input[0].data.key) > 1\n\treport := {}\n}\n", secret)
    assert answer.problem is not None
    assert "hunter2" not in answer.problem.why


@needs_rego
def test_an_object_that_breaks_the_rule_costs_itself_alone(engine):
    source = DENY + (
        '\tsome one in input\n\tcount(one.spec.n) == 1\n\treport := {"alertObject": {"k8sApiObjects": [one]}}\n}\n'
    )
    broken = POD | {"metadata": {"name": "b"}, "spec": {"n": None}}
    answer = ask(engine, source, broken, POD)
    assert (answer.alerts, answer.problem) == ((RegoAlert((1,)),), None)
    assert [position for position, _ in answer.unjudged] == [0]


@needs_rego
def test_whatever_an_object_holds_reaches_the_rule(engine):
    odd = {
        "kind": "Odd",
        "name": "o",
        "big": 2**200,
        "half": "\ud800",
        3: "key",
        "real": 1e300,
        "text": "\u2028é",
    }
    source = reporting('"reviewPaths": [input[0]["3"], input[0].text]')
    assert ask(engine, source, odd) == RegoAnswer((RegoAlert((0,), review=("key", "\u2028é")),))


@needs_rego
def test_an_endless_rule_ends_and_the_next_is_evaluated():
    with RegoEngine(os.environ, Limits(timeout_s=2.0)) as engine:
        assert ask(engine, ENDLESS, POD) == RegoAnswer(problem=RegoProblem("not finished after 2 s"))
        assert ask(engine, reporting('"failedPaths": []'), POD) == RegoAnswer((RegoAlert((0,)),))


@needs_rego
def test_a_rule_that_wants_all_memory_ends_and_the_next_is_evaluated():
    with RegoEngine(os.environ, Limits(timeout_s=30.0, memory_bytes=200 << 20)) as engine:
        assert ask(engine, HUNGRY, POD) == RegoAnswer(
            problem=RegoProblem("needs more than 200 MiB of memory")
        )
        assert ask(engine, reporting('"failedPaths": []'), POD) == RegoAnswer((RegoAlert((0,)),))


@needs_rego
def test_a_rule_that_reports_without_end_is_cut_off():
    source = (
        DENY
        + '\tsome n in numbers.range(1, 2000)\n\treport := {"alertObject": {"k8sApiObjects": input}, "failedPaths": [sprintf("a[%d]", [n])]}\n}\n'
    )
    with RegoEngine(os.environ, Limits(output_bytes=10_000)) as engine:
        problem = ask(engine, source, POD).problem
        assert problem is not None
        assert problem.why.startswith("reports more than")


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("nginx", "docker.io/library/nginx:latest"),
        ("a/b:1", "docker.io/a/b:1"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest"),
        ("localhost:5000/a", "localhost:5000/a:latest"),
        ("reg.example/a/b@sha256:00", "reg.example/a/b@sha256:00"),
    ],
)
def test_image_names_are_written_in_full(name: str, whole: str):
    assert normalized_image(name) == whole


@pytest.mark.parametrize(
    ("form", "values", "text"),
    [
        ("%d%% of %s", [3, "a"], "3% of a"),
        ("%v %v %v", [True, None, [1, "a"]], 'true null [1, "a"]'),
        ("%#o %x %X %+d", [420, 255, 255, 3], "0644 ff FF +3"),
        ("%05d|%-4d|%4s|%.2s", [42, 7, "ab", "abc"], "00042|7   |  ab|ab"),
        ("%q %d", ["a", "b"], '"a" %!d(b)'),
        ("%s %s", ["a"], "a %!s(MISSING)"),
    ],
)
def test_texts_are_formatted_as_go_does(form: str, values: list, text: str):
    assert sprintf(form, values) == text


def test_stand_ins_answer_as_the_language_says():
    assert found_with_groups("a(b)?", "abaab", 2) == [["ab", "b"], ["a", ""]]
    assert split("(-)", "a-b-c") == ["a", "b", "c"]
    assert (decoded("aGk="), decoded("%%")) == ("hi", "")


NONSENSE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["Pod", "a", "relatedObjects[0].x", "a['b']", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "kind",
                    "name",
                    "metadata",
                    "namespace",
                    "relatedObjects",
                    "object",
                    "path",
                    "value",
                    "failedPaths",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
REPORTS = st.fixed_dictionaries(
    {"alertObject": st.dictionaries(st.sampled_from(["k8sApiObjects", "externalObjects"]), NONSENSE)},
    optional=dict.fromkeys(
        ("deletePaths", "fixPaths", "failedPaths", "reviewPaths", "relatedObjects", "FIXPATHS"), NONSENSE
    ),
)


@needs_rego
@given(st.lists(REPORTS, max_size=3))
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_whatever_a_rule_reports_is_answered(engine, reports: list):
    source = HEAD + f"deny := json.unmarshal(`{json.dumps(reports)}`)\n"
    answer = ask(engine, source, POD, SERVICE)
    assert answer.problem is None or answer.problem.file == "r.rego"


@needs_rego
@pytest.mark.skipif(offered_modes() != Modes("landlock", "namespace"), reason="the kernel offers less")
def test_the_child_is_confined_and_says_how():
    with RegoEngine(os.environ) as engine:
        assert engine.confinement == ""
        assert ask(engine, reporting('"deletePaths": ["a"]'), POD).alerts
        assert engine.confinement == "Rego: files by Landlock, network by a namespace"
        assert engine._child is not None
        process = Path(f"/proc/{engine._child._process.pid}")
        assert "NoNewPrivs:\t1" in (process / "status").read_text()
        assert (process / "ns/net").readlink() != Path("/proc/self/ns/net").readlink()


@needs_rego
@pytest.mark.parametrize("modes", [Modes("none", "none"), Modes(offered_modes().files, "open")])
def test_it_works_in_every_mode(modes):
    with RegoEngine(os.environ, modes=modes) as engine:
        assert ask(engine, reporting('"deletePaths": ["a"]'), POD).alerts
