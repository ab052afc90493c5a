"""Ranks of workloads: the obvious one comes first, and more to gain never counts less."""

import copy
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from leadline.model.report import PostureReport, Target
from leadline.model.resource import Origin, resource_of
from leadline.model.risk import ImageFacts, WorkloadRisk
from leadline.outputs.rows.first_fixes import first_fixes
from leadline.outputs.text.risk_text import risk_lines, risk_picture
from leadline.posture.catalogue import load_controls
from leadline.posture.engine import judge
from leadline.posture.risk.ranking import workload_risks

CONTROLS = [control for control in load_controls() if control.check]
PLAIN = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      automountServiceAccountToken: false
      containers:
        - name: web
          image: registry.example/web:1.0
          securityContext:
            {runAsNonRoot: true, runAsUser: 1000, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false,
             capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
"""
SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: web, namespace: shop}, spec: {selector: {app: web}, type: %s}}"
INGRESS = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop, annotations: {%s}}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
"""
POLICY = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web, namespace: shop}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {}}]}]}
"""
ROLE = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: %s}
rules: [{apiGroups: ["%s"], resources: ["%s"], verbs: ["%s"]}]
"""
BINDING = """
apiVersion: rbac.authorization.k8s.io/v1
kind: %s
metadata: {name: web, namespace: shop}
subjects: [{kind: ServiceAccount, name: web, namespace: shop}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: %s}
"""


def body(text: str) -> dict[str, Any]:
    return yaml.safe_load(text)


def report(*bodies: dict[str, Any]) -> PostureReport:
    resources = [resource_of(one, Origin(path=f"{n}.yaml", root="/")) for n, one in enumerate(bodies)]
    found = judge(resources, CONTROLS)
    controls = tuple(control.facts for control in CONTROLS)
    return PostureReport(Target("directory", "x"), found.resources, controls, found.findings, found.judged, joined=found.joined, objects=len(resources))  # fmt: skip


def ranks(*bodies: dict[str, Any], images: dict[str, ImageFacts] | None = None) -> dict[str, WorkloadRisk]:
    made = report(*bodies)
    return {made.resource(risk.resource).name: risk for risk in workload_risks(made, images)}


def web(**pod: Any) -> dict[str, Any]:
    made = body(PLAIN)
    made["spec"]["template"]["spec"] |= pod
    return made


def with_container(**fields: Any) -> dict[str, Any]:
    made = web()
    (container,) = made["spec"]["template"]["spec"]["containers"]
    for name, value in fields.items():
        if name in ("privileged", "runAsUser", "runAsNonRoot", "readOnlyRootFilesystem"):
            container["securityContext"][name] = value
            if name == "privileged":
                del container["securityContext"]["allowPrivilegeEscalation"]
        else:
            container[name] = value
    return made


TOKEN = {"automountServiceAccountToken": True, "serviceAccountName": "web"}
GRANT = (body(ROLE % ("all", "*", "*", "*")), body(BINDING % ("ClusterRoleBinding", "all")))
STEPS = {
    "internet": ((web(),), (web(), body(SERVICE % "LoadBalancer"))),
    "ingress": ((web(),), (web(), body(SERVICE % "ClusterIP"), body(INGRESS % ""))),
    "login": (
        (
            web(),
            body(SERVICE % "ClusterIP"),
            body(INGRESS % "nginx.ingress.kubernetes.io/auth-url: 'https://a'"),
        ),
        (web(), body(SERVICE % "ClusterIP"), body(INGRESS % "")),
    ),
    "no policy": ((web(), body(POLICY)), (web(),)),
    "privileged": ((web(),), (with_container(privileged=True),)),
    "root": (
        (with_container(privileged=True),),
        (with_container(privileged=True, runAsUser=0, runAsNonRoot=False),),
    ),
    "token": ((web(**TOKEN),), (web(**TOKEN), *GRANT)),
    "token of the whole cluster": (
        (web(**TOKEN), body(ROLE % ("s", "", "secrets", "list")), body(BINDING % ("RoleBinding", "s"))),
        (
            web(**TOKEN),
            body(ROLE % ("s", "", "secrets", "list")),
            body(BINDING % ("ClusterRoleBinding", "s")),
        ),
    ),
    "secret": (
        (web(),),
        (with_container(envFrom=[{"secretRef": {"name": "db"}}]),),
    ),
    "port of the node": ((web(),), (with_container(ports=[{"containerPort": 80, "hostPort": 8080}]),)),
}


@pytest.mark.parametrize("name", STEPS)
def test_more_for_an_attacker_is_more(name: str):
    less, more = (ranks(*copy.deepcopy(bodies)) for bodies in STEPS[name])
    assert less["web"].score < more["web"].score


@pytest.mark.parametrize("first", STEPS)
@pytest.mark.parametrize("second", STEPS)
def test_two_things_together_are_never_less_than_one(first: str, second: str):
    one, other = STEPS[first][1], STEPS[second][1]
    merged = copy.deepcopy(one[0])
    pod, more = merged["spec"]["template"]["spec"], other[0]["spec"]["template"]["spec"]
    for key, value in more.items():
        if key != "containers" and value not in (False, None):
            pod[key] = value
    for key, value in more["containers"][0].items():
        if key == "securityContext":
            worse = {k: v for k, v in value.items() if k in ("privileged", "runAsUser", "runAsNonRoot")}
            mine = pod["containers"][0][key]
            mine.update({k: v for k, v in worse.items() if k == "privileged" or v in (0, False)})
            if "allowPrivilegeEscalation" not in value:
                mine.pop("allowPrivilegeEscalation", None)
        else:
            pod["containers"][0].setdefault(key, value)
    rest = {str(b): b for b in (*one[1:], *other[1:])}
    assert (
        ranks(merged, *rest.values())["web"].score
        >= max(ranks(*one)["web"].score, ranks(*other)["web"].score) - 0.05
    )


def test_vulnerabilities_that_are_exploited_and_loaded_count_most():
    made = report(with_container(privileged=True))
    (id,) = (r.id for r in made.resources if r.kind == "Deployment")
    scores = [
        workload_risks(made, {id: facts})[0].score
        for facts in (ImageFacts(), ImageFacts(critical=3), ImageFacts(1, 3), ImageFacts(1, 3, 1))
    ]
    assert scores == sorted(scores)
    assert len(set(scores)) == 4


@given(
    st.builds(ImageFacts, *[st.integers(0, 3)] * 4),
    st.sampled_from(["exploited", "critical", "loaded_exploited", "fixable"]),
)
def test_more_known_of_an_image_never_lowers_a_rank(facts: ImageFacts, more: str):
    made = report(with_container(privileged=True))
    (id,) = (r.id for r in made.resources if r.kind == "Deployment")
    worse = structs.replace(facts, **{more: getattr(facts, more) + 1})
    before, after = (workload_risks(made, {id: one})[0] for one in (facts, worse))
    assert before.score <= after.score
    assert workload_risks(made)[0].score <= before.score


def test_what_is_loaded_exposed_and_exploited_comes_before_what_has_more_at_stake():
    exposed = web()
    exposed["metadata"] = {"name": "exposed", "namespace": "shop"}
    exposed["spec"]["template"]["metadata"]["labels"] = exposed["spec"]["selector"]["matchLabels"] = {
        "app": "exposed"
    }
    service = body(SERVICE % "LoadBalancer")
    service["spec"]["selector"] = {"app": "exposed"}
    bodies = (with_container(privileged=True), exposed, service)
    made = report(*bodies)
    (id,) = (one.id for one in made.resources if one.name == "exposed")

    def first(facts: ImageFacts) -> WorkloadRisk:
        return workload_risks(made, {id: facts})[0]

    assert first(ImageFacts(1, 3, 0)).resource != id
    assert first(ImageFacts(1, 0, 1)).resource == id
    assert first(ImageFacts(1, 0, 1)).score > 90
    assert (
        "reachable from the internet through Service web, 1 exploited vulnerability, 1 of them loaded"
        in first(ImageFacts(1, 0, 1)).sentence
    )
    inner = report(*bodies[:2])
    assert workload_risks(inner, {id: ImageFacts(1, 0, 1)})[0].resource != id


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (ImageFacts(critical=1), "1 critical vulnerability"),
        (ImageFacts(critical=3, fixable=2), "3 critical vulnerabilities (2 fixed in newer versions)"),
        (
            ImageFacts(exploited=2, critical=3, loaded_exploited=1, fixable=4),
            "2 exploited vulnerabilities, 1 of them loaded, 3 critical vulnerabilities (4 fixed in newer versions)",
        ),
        (ImageFacts(), ""),
    ],
)
def test_the_sentence_says_what_is_in_the_images(facts: ImageFacts, said: str):
    made = report(with_container(privileged=True))
    (id,) = (r.id for r in made.resources if r.kind == "Deployment")
    sentence = workload_risks(made, {id: facts})[0].sentence
    assert said in sentence
    assert ("vulnerab" in sentence) == bool(said)


def test_of_two_words_for_one_gain_the_fuller_one_is_said():
    deployment = web()
    deployment["spec"]["template"]["spec"]["hostPID"] = True
    (risk,) = ranks(deployment).values()
    texts = [step.text for step in risk.path]
    assert [text for text in texts if "processes" in text] == ["shares the node's processes or IPC"]
    assert risk.sentence.count("processes") == 1


def test_the_way_is_shown_step_by_step():
    (risk,) = ranks(web(**TOKEN), body(SERVICE % "ClusterIP"), body(INGRESS % ""), *GRANT).values()
    assert [(step.kind, step.text) for step in risk.path][:5] == [
        ("start", "internet"),
        ("way", "Ingress shop"),
        ("way", "Service web"),
        ("workload", "web"),
        ("token", "token may do everything"),
    ]
    assert risk.sentence.startswith(
        "reachable from the internet through Ingress shop, token may do everything"
    )
    assert "external-workload-with-cluster-takeover-roles" in risk.tracks


def policed(*ingress: str) -> dict[str, Any]:
    made = body(POLICY)
    made["spec"]["ingress"] = [body(rule) for rule in ingress]
    return made


SERVES = [{"name": "web", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}]
TO_ALL_AT = "{from: [{namespaceSelector: {}}], ports: [{port: %s}]}"
TO_SOME_AT = "{from: [{podSelector: {}}], ports: [{port: %s}]}"
EVERY_POD = "reachable from every pod of the cluster"
AS_FAR = "reachable as far as network policies let"
INTERNET = "reachable from the internet through Service web"
NODE = "reachable at port 80 of the node"


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ((), AS_FAR),
        (("{from: [{podSelector: {}}]}",), AS_FAR),
        (("{}",), EVERY_POD),
        (("{from: [{namespaceSelector: {}}]}",), EVERY_POD),
        ((TO_ALL_AT % 9090,), f"{EVERY_POD} at port 9090"),
        ((TO_ALL_AT % "web",), f"{EVERY_POD} at port 8080"),
        ((TO_ALL_AT % "gone",), AS_FAR),
        ((TO_ALL_AT % 9090, TO_SOME_AT % "web"), f"{EVERY_POD} at port 9090"),
        ((TO_ALL_AT % "1, endPort: 5", TO_ALL_AT % "7, protocol: UDP"), f"{EVERY_POD} at ports 1-5, 7/UDP"),
        (tuple(TO_ALL_AT % number for number in (1, 2, 3, 4, 5)), f"{EVERY_POD} at ports 1, 2, 3 and 2 more"),
    ],
)
def test_pods_are_reached_at_the_ports_that_policies_open(rules: tuple[str, ...], sentence: str):
    (risk,) = ranks(with_container(ports=SERVES), policed(*rules)).values()
    assert risk.sentence == sentence


def test_a_policy_for_what_goes_out_keeps_nobody_away():
    policy = body(POLICY)
    policy["spec"] |= {"policyTypes": ["Egress"]}
    (risk,) = ranks(web(), policy).values()
    assert risk.sentence == EVERY_POD


@pytest.mark.parametrize(
    ("port", "rules", "sentence"),
    [
        ("{port: 80, targetPort: 8080}", (TO_SOME_AT % 9090,), AS_FAR),
        ("{port: 80, targetPort: web}", (TO_SOME_AT % 9090,), AS_FAR),
        ("{port: 9090}", (TO_SOME_AT % 9090,), INTERNET),
        ("{port: 80, targetPort: 8080}", (TO_SOME_AT % "web",), INTERNET),
        ("{port: 80, targetPort: 8080, protocol: UDP}", (TO_SOME_AT % 8080,), AS_FAR),
        ("{port: 80, targetPort: 8080}", (), AS_FAR),
        ("{port: 80, targetPort: unknown}", (), INTERNET),
        ("{port: 80, targetPort: 8080}", ("{}",), INTERNET),
        ("{port: 80, targetPort: 8080}", (TO_ALL_AT % 9090,), f"{EVERY_POD} at port 9090"),
    ],
)
def test_a_way_from_outside_ends_where_policies_let_nobody_in(
    port: str, rules: tuple[str, ...], sentence: str
):
    service = body(SERVICE % "LoadBalancer")
    service["spec"]["ports"] = [body(port)]
    pods = with_container(ports=SERVES)
    (risk,) = ranks(pods, service, policed(*rules)).values()
    assert risk.sentence == sentence
    (risk,) = ranks(pods, service).values()
    assert risk.sentence == INTERNET


def test_a_port_of_the_node_ends_where_policies_let_nobody_in():
    pods = with_container(ports=[{"containerPort": 8080, "hostPort": 80}])
    for rules, sentence in (((), AS_FAR), ((TO_SOME_AT % 8080,), NODE), ((TO_SOME_AT % 80,), AS_FAR)):
        (risk,) = ranks(pods, policed(*rules)).values()
        assert risk.sentence == sentence


def test_no_policy_is_about_pods_on_the_network_of_their_node():
    (risk,) = ranks(web(hostNetwork=True), body(SERVICE % "LoadBalancer"), policed()).values()
    assert risk.sentence.startswith(INTERNET)


def test_a_program_behind_a_proxy_with_a_login_is_reached_through_it():
    proxy = body(PLAIN.replace("app: web", "app: proxy").replace("name: web", "name: proxy"))
    proxy["spec"]["template"]["spec"]["containers"][0] |= {
        "image": "quay.io/oauth2-proxy/oauth2-proxy:v7",
        "args": ["--upstream=http://web.shop.svc:80"],
    }
    outside = body((SERVICE % "LoadBalancer").replace("web", "proxy"))
    risk = ranks(web(), body(SERVICE % "ClusterIP"), proxy, outside)["web"]
    assert risk.reach == 0.5
    assert "behind oauth2-proxy" in risk.sentence


def test_where_to_begin_holds_the_worst_of_both():
    made = report(with_container(privileged=True), *GRANT, body(SERVICE % "ClusterIP"))
    fixes = first_fixes(made, workload_risks(made))
    assert [one.title for one in fixes][:2] == ["shop/Deployment/web", "shop/ServiceAccount/web"]


def test_an_account_ranks_with_the_workload_that_holds_it():
    held = report(web(**TOKEN), *GRANT, body(SERVICE % "LoadBalancer"))
    unused = report(web(), *GRANT, body(SERVICE % "LoadBalancer"))
    people = body(BINDING % ("ClusterRoleBinding", "all"))
    people["subjects"] = [{"kind": "Group", "name": "NAME", "apiGroup": "rbac.authorization.k8s.io"}]
    scores = {}
    for name, made in (("held", held), ("unused", unused)):
        scores[name] = next(
            one.score for one in first_fixes(made, workload_risks(made)) if "ServiceAccount" in one.title
        )
    for name in ("ops", "system:authenticated", "system:unauthenticated"):
        people["subjects"][0]["name"] = name
        made = report(GRANT[0], copy.deepcopy(people))
        scores[name] = first_fixes(made, ())[0].score
    order = ["unused", "ops", "system:authenticated", "held", "system:unauthenticated"]
    assert sorted(scores, key=scores.__getitem__) == order


def test_few_candidates_find_what_all_of_them_find():
    bodies = []
    for number in range(60):
        one = web() if number != 41 else with_container(privileged=True)
        one["metadata"]["name"] = f"w{number}"
        bodies.append(one)
    made = report(*bodies)
    assert workload_risks(made, candidates=5)[0] == workload_risks(made)[0]


def test_hostile_names_stay_text_in_the_picture_and_on_the_terminal():
    made = web()
    made["metadata"]["name"] = '<script>alert("x")</script>\x1b[31m'
    shown = report(made)
    risks = workload_risks(shown)
    picture = risk_picture(shown, risks)
    assert "<script" not in picture
    assert "\x1b" not in picture + "\n".join(risk_lines(shown, risks, 100))
    assert ElementTree.fromstring(picture).tag.endswith("svg")


def test_every_service_for_every_pod_is_not_their_product():
    bodies = []
    for number in range(60):
        pods, service = web(), body(SERVICE % "LoadBalancer")
        pods["metadata"]["name"] = service["metadata"]["name"] = f"w{number}"
        bodies += [pods, service]
    made = report(*bodies)
    ways = [finding for finding in made.findings if finding.control == "C-0256"]
    assert len(ways) == 60 * 20
    assert len({finding.resource for finding in ways}) == 60
