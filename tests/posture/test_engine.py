"""The loop over controls and resources: order, what is skipped and why, and what is called unread."""

import logging
from typing import Any

import pytest

from leadline.kube.rbac import Grant
from leadline.model.control import (
    BuiltControl,
    Missing,
    NotApplicable,
    NotJudged,
    Remove,
    Review,
    Set,
    Violations,
)
from leadline.model.finding import Skip
from leadline.model.resource import Origin, Resource, resource_of
from leadline.model.unread import Unread
from leadline.posture.control import control, manual, not_built
from leadline.posture.control_plane import ApiServer
from leadline.posture.engine import judge
from leadline.posture.index import EVERY_KIND, WORKLOADS
from leadline.posture.inventory import Facts, Inventory
from leadline.posture.subject import Container, Namespace, Workload
from leadline.posture.verdicts import Judgement


def resource(kind: str, name: str, spec: Any = None, version: str = "v1", **others: Any) -> Resource:
    body = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "shop"}, **others}
    if spec is not None:
        body["spec"] = spec
    return resource_of(body, Origin(path=f"{name}.yaml"))


def pod(name: str, *images: str, **spec: Any) -> Resource:
    return resource("Pod", name, {"containers": [{"name": "c", "image": image} for image in images], **spec})


def deployment(name: str, *images: str) -> Resource:
    return resource("Deployment", name, {"template": {"spec": pod(name, *images).body["spec"]}}, "apps/v1")


@control("T-1", "every container", score=5.0, category="Test")
def every_container(container: Container) -> Violations:
    yield Remove("image")


@control("T-2", "every workload", score=9.0, category="Test")
def every_workload(workload: Workload) -> Violations:
    yield Set("hostPID", False)
    yield Review("spec.x", on=workload.resource.id)


@control("T-3", "services", score=1.0, category="Test", kinds=("Service",))
def services(service: Resource) -> Violations:
    if service.name == "open":
        yield Review("spec.type")


@control("T-4", "lonely", score=3.0, category="Test", reads=("Service",))
def lonely(workload: Workload, inventory: Inventory) -> Violations:
    if not inventory.of("Service"):
        yield Missing("a Service")
    for service in inventory.of("Service"):
        yield Review("spec.ports", on=service.id)


@control("T-5", "by setting", score=3.0, category="Test", needs_setting=True)
def by_setting(
    container: Container, *, wanted: tuple[str, ...] = (), unwanted: tuple[str, ...] = ()
) -> Violations:
    if container.image in unwanted or (wanted and container.image not in wanted):
        yield Review("image")


@control("T-6", "broken", score=3.0, category="Test")
def broken(container: Container) -> Violations:
    yield Review("image")
    raise KeyError("secret-of-the-manifest")


@control("T-7", "only some", score=3.0, category="Test", applies=lambda container: container.image == "a")
def only_some(container: Container) -> Violations:
    yield from ()


def controls(*wanted: BuiltControl) -> list[BuiltControl]:
    return list(wanted)


def brief(judgement: Judgement) -> list[tuple[str, str, str]]:
    return [(judgement.by_id[f.resource].name, f.control, f.path) for f in judgement.findings]


def test_findings_come_in_the_order_of_resources_and_of_controls_within_one():
    judgement = judge(
        [deployment("web", "a", "b"), pod("job", "c")], controls(every_workload, every_container)
    )
    assert brief(judgement) == [
        ("web", "T-2", "spec.template.spec.hostPID"),
        ("web", "T-2", "spec.x"),
        ("web", "T-1", "spec.template.spec.containers[0].image"),
        ("web", "T-1", "spec.template.spec.containers[1].image"),
        ("job", "T-2", "spec.hostPID"),
        ("job", "T-2", "spec.x"),
        ("job", "T-1", "spec.containers[0].image"),
    ]
    other_way = judge([deployment("web", "a")], controls(every_container, every_workload))
    assert [f.control for f in other_way.findings] == ["T-1", "T-2", "T-2"]


def test_every_resource_says_which_controls_judged_it_each_once():
    judgement = judge(
        [deployment("web", "a", "b"), resource("Service", "shut"), resource("ConfigMap", "c")],
        controls(every_container, services),
    )
    assert judgement.judged == (("T-1",), ("T-3",), ())
    assert judgement.skips == ()


def test_a_path_on_another_object_starts_at_that_object():
    service = resource("Service", "web")
    (finding,) = judge([pod("web", "a"), service], controls(lonely)).findings
    web = pod("web", "a").id
    assert (finding.resource, finding.on, finding.path) == (web, service.id, "spec.ports")
    (finding,) = judge([pod("web", "a")], controls(lonely)).findings
    assert (finding.on, finding.path, finding.action) == (web, "", "add")


@control("T-8", "whole", score=3.0, category="Test", kinds=(EVERY_KIND,))
def whole(body: Resource) -> Violations:
    yield Review("")


def test_a_control_of_every_kind_sees_every_object():
    judgement = judge([resource("Service", "a"), resource("Widget", "b", version="x.io/v1")], controls(whole))
    assert brief(judgement) == [("a", "T-8", ""), ("b", "T-8", "")]


@control("T-15", "all that run pods", score=3.0, category="Test", kinds=(WORKLOADS, "Service"))
def all_that_run_pods(body: Resource) -> Violations:
    yield Review("metadata")


def test_a_control_of_workloads_sees_every_object_that_runs_pods_once():
    rollout = resource("Rollout", "r", {"template": {"spec": pod("x", "a").body["spec"]}}, "argoproj.io/v1")
    given = [
        pod("a", "x", "y"),
        deployment("b", "z"),
        rollout,
        resource("Service", "s"),
        resource("ConfigMap", "c"),
    ]
    judgement = judge(given, controls(all_that_run_pods))
    assert brief(judgement) == [(name, "T-15", "metadata") for name in ("a", "b", "r", "s")]


@control("T-16", "API servers", score=3.0, category="Test")
def api_servers(server: ApiServer) -> Violations:
    yield Review("spec")


def test_a_process_of_the_control_plane_is_judged_as_the_pod_that_runs_it():
    command = {
        "containers": [{"name": "kube-apiserver", "image": "a", "command": ["kube-apiserver", "--x=y"]}]
    }
    server = resource_of(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "k", "namespace": "kube-system"},
            "spec": command,
        }
    )
    judgement = judge(
        [pod("web", "a"), server, resource("Job", "j", {"template": {"spec": command}}, "batch/v1")],
        controls(api_servers),
    )
    assert brief(judgement) == [("k", "T-16", "spec")]
    assert judgement.judged == ((), ("T-16",), ())


@control("T-9", "namespaces", score=3.0, category="Test")
def namespaces(namespace: Namespace) -> Violations:
    yield Review("metadata.labels")


@control("T-10", "servers", score=3.0, category="Test")
def servers(server: ApiServer) -> Violations:
    yield from ()


@control("T-11", "grants", score=3.0, category="Test")
def grants(grant: Grant) -> Violations:
    yield Review(grant.subject_path, on=grant.binding.id)


def test_each_control_that_judged_nothing_says_why():
    person = manual("T-20", "by eye", score=1.0, category="Test", look_at="the door")
    unbuilt = not_built("T-21", "later", score=1.0, category="Test", needs="the files of the nodes")
    asked = controls(every_container, services, namespaces, servers, grants, by_setting, person, unbuilt)
    assert judge([resource("ConfigMap", "c")], asked).skips == (
        Skip("T-1", "no workload it applies to"),
        Skip("T-3", "no Service"),
        Skip("T-9", "no Namespace"),
        Skip("T-10", "no kube-apiserver Pod"),
        Skip("T-11", "no role bound to anyone"),
        Skip("T-5", "nothing set for unwanted or wanted", "settings"),
        Skip("T-20", "the door", "manual"),
        Skip("T-21", "not built yet: needs the files of the nodes", "not built"),
    )


@pytest.mark.parametrize(
    ("settings", "failing"),
    [
        ({"wanted": ("a",)}, ["b"]),
        ({"unwanted": ("a",)}, ["a"]),
        ({"other": ("a",)}, None),
        ({"wanted": ()}, None),
    ],
)
def test_a_control_that_needs_a_setting_judges_once_one_is_given(settings, failing):
    judgement = judge([pod("a", "a"), pod("b", "b")], controls(by_setting), settings=settings)
    assert bool(judgement.skips) is (failing is None)
    assert [name for name, _, _ in brief(judgement)] == (failing or [])
    assert judgement.judged == ((("T-5",),) * 2 if failing is not None else ((), ()))


@pytest.mark.parametrize(("cloud", "is_judged"), [("", True), ("EKS", True), ("AKS", False), ("none", False)])
def test_a_control_of_one_cloud_is_asked_there_and_where_the_cloud_is_unknown(cloud, is_judged):
    @control("T-12", "of one cloud", score=3.0, category="Test", cloud="EKS")
    def of_one_cloud(container: Container) -> Violations:
        yield Review("image")

    judgement = judge([pod("a", "a")], controls(of_one_cloud), facts=Facts(cloud=cloud))
    assert bool(judgement.findings) is is_judged
    assert judgement.skips == (
        () if is_judged else (Skip("T-12", "for EKS clusters only", "not applicable"),)
    )


def test_what_a_control_does_not_apply_to_is_not_judged():
    judgement = judge([pod("a", "a"), pod("b", "b")], controls(only_some))
    assert judgement.judged == (("T-7",), ())


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[logging.LogRecord]:
    """What the engine logs, kept from the check that no test may cause a fault."""
    records: list[logging.LogRecord] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    logger = logging.getLogger("leadline.posture.engine")
    monkeypatch.setattr(logger, "handlers", [Kept()])
    monkeypatch.setattr(logger, "propagate", False)
    return records


def test_a_control_that_raises_leaves_the_object_unread_and_the_others_judged(log):
    judgement = judge([pod("a", "x", "y"), pod("b", "z")], controls(broken, every_container))
    why = "T-6 could not judge it: a fault in the control (KeyError)"
    assert [(u.where, u.why) for u in judgement.unread] == [
        ("a.yaml: shop/Pod/a", why),
        ("b.yaml: shop/Pod/b", why),
    ]
    assert judgement.judged == (("T-6", "T-1"), ("T-6", "T-1")), (
        "what it had found stays, and counts as failed"
    )
    assert [name for name, control_id, _ in brief(judgement) if control_id == "T-1"] == ["a", "a", "b"]
    assert judgement.skips == ()
    assert not any("secret" in str(part) for part in judgement.unread)


def test_only_a_control_that_comes_with_the_product_is_to_be_reported(log):
    ours = BuiltControl(
        **{f: getattr(broken, f) for f in broken.__struct_fields__} | {"module": "leadline.posture.controls"}
    )
    (own, *_), (shipped, *_) = (judge([pod("a", "x")], [one]).unread for one in (broken, ours))
    assert own.hint == "fix the control; --debug shows the details"
    assert shipped.hint == "please report it; --debug shows the details"


@control("T-14", "broken by some", score=3.0, category="Test")
def broken_by_some(container: Container) -> Violations:
    if container.image == "x":
        raise KeyError(container.image)
    if container.image == "seen":
        yield Review("image")


@pytest.mark.parametrize("images", [("a", "x"), ("x", "a"), ("x",)])
def test_an_object_that_was_judged_in_part_counts_as_no_pass(log, images):
    judgement = judge([pod("a", *images), pod("b", "a")], controls(broken_by_some))
    assert judgement.judged == ((), ("T-14",))
    assert len(judgement.unread) == 1


def test_a_control_that_always_breaks_is_skipped_for_that_reason(log):
    (skip,) = judge([pod("a", "x")], controls(broken_by_some)).skips
    assert (skip.kind, skip.why.partition(";")[0]) == ("not read", "a fault in the control")


@pytest.mark.parametrize("images", [("seen", "x"), ("x", "seen")])
def test_an_object_that_fails_in_part_counts_as_failed(log, images):
    judgement = judge([pod("a", *images)], controls(broken_by_some))
    assert (judgement.judged, len(judgement.findings), len(judgement.unread)) == ((("T-14",),), 1, 1)


def test_the_guard_logs_control_and_object_and_no_body(log):
    judge([pod("a", "registry.example/hidden:1")], controls(broken))
    assert [record.getMessage() for record in log] == ["control T-6 failed on shop/Pod/a"]
    assert log[0].exc_info is not None
    assert "hidden" not in log[0].getMessage()


def test_a_misshapen_pod_is_unread_and_still_judged_by_what_is_sound():
    odd = pod("a", "x", volumes="all of them", securityContext=[])
    odd.body["spec"]["containers"].append("not a container")
    judgement = judge([odd], controls(every_container))
    hint = "Kubernetes refuses such an object; fix the field"
    assert judgement.unread == tuple(
        Unread("a.yaml: shop/Pod/a", f"spec.{path} must be {wanted}", "malformed", hint=hint)
        for path, wanted in (
            ("containers[1]", "a mapping"),
            ("securityContext", "a mapping"),
            ("volumes", "a list"),
        )
    )
    assert brief(judgement) == [("a", "T-1", "spec.containers[0].image")]


def test_misshapen_pods_are_told_of_only_where_someone_looks_at_pods():
    assert judge([pod("a", "x", volumes=3)], controls(services)).unread == ()


RBAC = "rbac.authorization.k8s.io"


def binding(name: str, role: str) -> Resource:
    return resource(
        "RoleBinding",
        name,
        version=f"{RBAC}/v1",
        roleRef={"apiGroup": RBAC, "kind": "Role", "name": role},
        subjects=[{"kind": "User", "apiGroup": RBAC, "name": "jane"}],
    )


def test_a_binding_to_a_role_that_was_not_read_is_unread():
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    role = resource("Role", "known", version=f"{RBAC}/v1", rules=rules)
    judgement = judge([role, binding("good", "known"), binding("bad", "gone")], controls(grants))
    assert [(u.where, u.why) for u in judgement.unread] == [
        ("bad.yaml: shop/RoleBinding/bad", "its role Role/gone was not read, so what it allows is unknown")
    ]
    (finding,) = judgement.findings
    failing = judgement.by_id[finding.resource]
    assert (failing.kind, failing.name, judgement.by_id[finding.on].name) == ("User", "jane", "good")
    assert [judgement.by_id[id].name for id in finding.related] == ["good", "known"]
    assert judgement.resources[3:] == (failing,)
    assert judgement.judged == ((), (), (), ("T-11",))
    assert judge([binding("bad", "gone")], controls(services)).unread == ()


GONE = Unread("nodes", "forbidden", "malformed")


@control("T-13", "unsure", score=3.0, category="Test")
def unsure(container: Container) -> Violations:
    if container.image == "seen":
        yield Review("image")
    if container.image == "other":
        raise NotJudged("it looks at others")
    raise NotJudged("nodes were not read", GONE)


def test_a_control_may_decline_and_what_it_missed_is_told_once():
    judgement = judge([pod("a", "other"), pod("b", "x"), pod("c", "y")], controls(unsure))
    assert judgement.skips == (Skip("T-13", "nodes were not read", "not read"),)
    assert judgement.unread == (GONE,)
    assert judgement.judged == ((), (), ())


def test_what_was_found_before_declining_counts():
    judgement = judge([pod("a", "x", "seen"), pod("b", "x")], controls(unsure))
    assert brief(judgement) == [("a", "T-13", "spec.containers[1].image")]
    assert judgement.judged == (("T-13",), ())
    assert judgement.skips == ()


@control("T-14", "needs a namespace", score=3.0, category="Test")
def needs_namespace(workload: Workload) -> Violations:
    if workload.resource.name.startswith("b"):
        raise NotJudged("its namespace is not known")
    if workload.resource.name.startswith("c"):
        yield Review("spec")
        raise NotJudged("the rest is not known")


def test_objects_that_a_control_could_not_decide_are_named():
    judgement = judge([pod("a", "x"), pod("b", "x"), pod("c", "x")], controls(needs_namespace))
    _, second, _ = judgement.resources
    gave_up = {id: skips for id, skips in judgement.gave_up.items() if skips}
    assert gave_up == {second.id: (Skip("T-14", "its namespace is not known"),)}
    assert judgement.judged == (("T-14",), (), ("T-14",))


def test_declining_for_want_of_a_kind_alone_is_no_unread():
    judgement = judge([pod("a", "other")], controls(unsure))
    assert (judgement.skips, judgement.unread) == ((Skip("T-13", "it looks at others"),), ())


def test_nothing_is_changed_in_what_was_given():
    given = [deployment("web", "a"), binding("good", "gone")]
    before = repr(given)
    judge(given, controls(every_workload, every_container, grants, lonely))
    assert repr(given) == before


def test_no_controls_and_no_resources_are_no_findings():
    assert judge([], controls(every_container)).skips == (Skip("T-1", "no workload it applies to"),)
    empty = judge([pod("a", "a")], [])
    assert (empty.findings, empty.judged, empty.skips, empty.unread) == ((), ((),), (), ())


def test_what_does_not_exist_is_not_applicable_unless_it_is_not_known_of_another_object():
    @control("T-30", "of the proxy", score=1.0, category="Test", kinds=("ConfigMap",))
    def of_the_proxy(one: Resource) -> Violations:
        raise NotApplicable("the node has no such file") if one.name == "a" else NotJudged("not in the facts")
        yield Review("")

    absent, unknown = (
        resource_of({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": n}}) for n in "ab"
    )
    kinds = [
        judge(of, [of_the_proxy]).skips[0].kind
        for of in ([absent], [unknown], [absent, unknown], [unknown, absent])
    ]
    assert kinds == ["not applicable", "no objects", "no objects", "no objects"]
