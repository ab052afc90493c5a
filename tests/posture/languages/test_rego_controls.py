"""Rules as controls, with an evaluator that answers from a table."""

from collections.abc import Callable

from leadline.model.control import Remove, Review, Set
from leadline.model.finding import Skip
from leadline.model.resource import Origin, Resource, resource_of
from leadline.model.unread import Unread
from leadline.posture.engine import judge
from leadline.posture.languages.rego import (
    SUBJECTS,
    ControlFile,
    RegoAlert,
    RegoAnswer,
    RegoMatch,
    RegoProblem,
    RegoQuestion,
    RegoRule,
    Related,
    controls_of,
    setting_name,
)
from leadline.posture.verdicts import Judgement

PODS = RegoMatch(frozenset({""}), frozenset({"v1"}), frozenset({"pods"}), ("pods",))
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "readers", "namespace": "shop"},
    "roleRef": {"kind": "Role", "name": "reader", "apiGroup": "rbac.authorization.k8s.io"},
    "subjects": [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}],
}
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reader", "namespace": "shop"},
    "rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}],
}


def objects(*bodies: dict) -> list[Resource]:
    return [resource_of(body, Origin(path=f"{i}.yaml")) for i, body in enumerate(bodies)]


def named(kind: str, name: str) -> dict:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}


def judged(
    rule: RegoRule,
    resources: list[Resource],
    answer: RegoAnswer | Callable[[RegoQuestion], RegoAnswer],
    **settings,
) -> Judgement:
    evaluate = answer if callable(answer) else lambda question: answer
    return judge(resources, controls_of([rule], [], {}, evaluate), settings=settings)


def found(judgement: Judgement) -> list[tuple[str, object, str]]:
    return [(judgement.by_id[f.resource].name, f.violation.__class__, f.path) for f in judgement.findings]


def test_paths_become_cures():
    answer = RegoAnswer(
        (RegoAlert((0,), ("a",), (("b", "false"), ("c[0]", "12")), ("a", "d", "d", "[[", "")),)
    )
    judgement = judged(RegoRule("r", "r.rego", ""), objects(named("Pod", "x")), answer)
    assert [f.violation for f in judgement.findings] == [
        Remove("a"),
        Set("b", False),
        Set("c[0]", 12),
        Review("d"),
    ]


def test_values_of_labels_and_environments_stay_texts():
    fixes = (("metadata.labels[on]", "true"), ("spec.containers[0].env[0].value", "1"))
    judgement = judged(
        RegoRule("r", "r.rego", ""), objects(named("Pod", "x")), RegoAnswer((RegoAlert((0,), fix=fixes),))
    )
    assert [f.value for f in judgement.findings] == ["true", "1"]


def test_a_report_without_paths_is_about_the_object_as_a_whole():
    judgement = judged(
        RegoRule("r", "r.rego", ""), objects(named("Pod", "x")), RegoAnswer((RegoAlert((0,)),))
    )
    assert found(judgement) == [("x", Review, "")]


def test_a_rule_sees_what_it_matches_and_the_rest_is_not_judged():
    asked = []

    def evaluate(question: RegoQuestion) -> RegoAnswer:
        asked.append([body["metadata"]["name"] for body in question.objects])
        return RegoAnswer((RegoAlert((1,), ("spec",)),))

    resources = objects(named("Pod", "a"), named("Service", "b"), named("Pod", "c"))
    judgement = judged(RegoRule("r", "r.rego", "", matches=(PODS,)), resources, evaluate)
    assert asked == [["a", "c"]]
    assert found(judgement) == [("c", Remove, "spec")]
    assert judgement.judged == (("custom-r",), (), ("custom-r",))


def test_only_what_the_rule_counts_is_judged():
    resources = objects(named("Pod", "a"), named("Pod", "b"))
    judgement = judged(RegoRule("r", "r.rego", "", counting="x"), resources, RegoAnswer(counted=(1,)))
    assert judgement.judged == ((), ("custom-r",))


def test_a_rule_without_objects_is_skipped_with_its_kinds():
    judgement = judged(
        RegoRule("r", "r.rego", "", matches=(PODS,)), objects(named("Service", "b")), RegoAnswer()
    )
    assert judgement.skips == (Skip("custom-r", "no pods"),)


def test_a_broken_rule_passes_nothing_and_is_told_once():
    answer = RegoAnswer(problem=RegoProblem("expecting expression", "r.rego", 4, 7))
    judgement = judged(RegoRule("r", "r.rego", ""), objects(named("Pod", "a"), named("Pod", "b")), answer)
    assert judgement.judged == ((), ())
    assert judgement.unread == (
        Unread(
            "r.rego",
            "rule r: expecting expression",
            "fault",
            4,
            7,
            hint="fix the rule; what it would have found is unknown",
        ),
    )
    assert judgement.skips == (Skip("custom-r", "rule r: expecting expression", "not read"),)


def test_an_object_that_breaks_a_rule_is_named_and_the_others_are_judged():
    resources = objects(named("Pod", "a"), named("Pod", "b"))
    judgement = judged(RegoRule("r", "r.rego", ""), resources, RegoAnswer(unjudged=((0, "no list"),)))
    assert judgement.judged == ((), ("custom-r",))
    assert judgement.unread == (
        Unread("0.yaml: Pod/a", "rule r could not judge it: no list", "fault", hint="fix r.rego"),
    )


def test_a_rule_that_was_unreadable_is_never_evaluated():
    def evaluate(question: RegoQuestion) -> RegoAnswer:
        raise AssertionError

    judgement = judged(RegoRule("r", "r.json", "", problem="not JSON"), objects(named("Pod", "a")), evaluate)
    assert [u.why for u in judgement.unread] == ["rule r: not JSON"]


def test_subjects_are_judged_with_their_binding_and_role():
    asked = []

    def evaluate(question: RegoQuestion) -> RegoAnswer:
        asked.extend(question.objects)
        return RegoAnswer(
            (
                RegoAlert(
                    (0,),
                    related=(
                        Related(0, 0, (), (), ("subjects[0]",)),
                        Related(0, 1, (), (), ("rules[0].verbs[0]",)),
                    ),
                ),
            )
        )

    resources = objects(BINDING, ROLE)
    judgement = judged(RegoRule("r", "r.rego", "", aggregator=SUBJECTS), resources, evaluate)
    assert asked == [(BINDING["subjects"][0], BINDING, ROLE)]
    assert [
        (judgement.by_id[f.resource].name, judgement.by_id[f.on].name, f.path) for f in judgement.findings
    ] == [
        ("jane", "readers", "subjects[0]"),
        ("jane", "reader", "rules[0].verbs[0]"),
    ]


def test_a_control_that_mixes_subjects_and_objects_judges_the_binding():
    rules = [
        RegoRule("subjects", "s.rego", "", aggregator=SUBJECTS),
        RegoRule("pods", "p.rego", "", matches=(PODS,)),
    ]
    file = ControlFile("X-1", "Mixed", 7.0, "Custom", "", ("subjects", "pods"))
    alert = RegoAnswer((RegoAlert((0,), related=(Related(0, 1, (), (), ("rules[0]",)),)),))
    controls = controls_of(
        rules, [file], {}, lambda question: alert if question.rule.name == "subjects" else RegoAnswer()
    )
    judgement = judge(objects(BINDING, ROLE, named("Pod", "a")), controls)
    assert [
        (judgement.by_id[f.resource].name, judgement.by_id[f.on].name, f.path) for f in judgement.findings
    ] == [("readers", "reader", "rules[0]")]
    assert judgement.judged == (("X-1",), (), ("X-1",))


def test_settings_go_in_under_the_names_that_the_rule_reads():
    asked = []

    def evaluate(question: RegoQuestion) -> RegoAnswer:
        asked.append(dict(question.settings))
        return RegoAnswer()

    rule = RegoRule("r", "r.rego", "", settings=("insecureCapabilities", "cpu_limit_max", "own"))
    file = ControlFile("X-1", "X", 1.0, "Custom", "", ("r",), {"own": ("fixed",)})
    controls = controls_of([rule], [file], {"insecure_capabilities": ("ALL",)}, evaluate)
    judge(objects(named("Pod", "a")), controls, settings={"cpu_limit_max": ("2",)})
    assert dict(controls[0].settings) == {"cpu_limit_max": (), "insecure_capabilities": ("ALL",)}
    assert asked == [{"insecureCapabilities": ("ALL",), "cpu_limit_max": ("2",), "own": ("fixed",)}]


def test_a_control_without_its_rule_says_so():
    file = ControlFile("X-1", "X", 1.0, "Custom", "", ("gone",))
    (control,) = controls_of([], [file], {}, lambda question: RegoAnswer())
    assert (control.is_built, control.needs) == (False, "the rule gone, which is not in the folder")


def test_setting_names_are_written_in_snake_case():
    names = ["insecureCapabilities", "cpu_limit_max", "k8sRecommendedLabels", "servicesNames"]
    assert [setting_name(name) for name in names] == [
        "insecure_capabilities",
        "cpu_limit_max",
        "k8s_recommended_labels",
        "services_names",
    ]
