"""The engine of rules: what each is given, what it costs the others, what counts as new."""

from time import perf_counter_ns, sleep, thread_time_ns

import pytest
from msgspec.structs import replace

from leadline.model.alert import SILENT_S, Accepted, Alert
from leadline.model.container import Container
from leadline.model.event import FIRST_PROCESS, OUTGOING, SNAPSHOT, Executed, Opened, TlsStarted
from leadline.model.profile import COMPLETE, ExecutedProgram, Profile
from leadline.runtime.baseline import Baseline
from leadline.runtime.detecting import NOT_JUDGED, Detector
from leadline.runtime.grouping import MOST_PER_MINUTE, Grouping
from leadline.runtime.process_tree import Actor
from leadline.runtime.rule import Rule, rule
from leadline.runtime.rules.cluster import cluster_api
from leadline.runtime.slowness import FREE_NS, LONGEST_NS

WEB = Container("c1", name="web", namespace="shop", workload_kind="Deployment", workload="web")


def executed(
    path: str, pid: int = 10, parent: int = 1, flags: int = 0, arguments: tuple[str, ...] = ()
) -> Executed:
    name = path.rpartition("/")[2][:15]
    return Executed(
        5, 1, hash(path), pid, parent, 0, name, flags, path=path, arguments=arguments, parent_exe_id=8
    )


def with_first_process(*rules: Rule) -> Detector:
    detector = Detector(rules)
    detector.see(executed("/app", pid=1, parent=0, flags=FIRST_PROCESS), WEB, "/app")
    return detector


@rule("T1", "Every program", score=5, needs=("exec",))
def every(event: Executed, actor: Actor) -> str | None:
    return f"{actor.tool} after {actor.parent_tool}"


@rule("T2", "New program", score=5, needs=("exec",))
def new(event: Executed, actor: Actor, known: Baseline) -> str | None:
    return None if known.ran(event.path) else f"{event.path} is new"


@rule("T3", "Fails", score=5, needs=("exec",))
def fails(event: Executed, actor: Actor) -> str | None:
    raise ValueError("a fault")


@rule("T5", "Slow", score=5, needs=("exec",))
def slow(event: Executed, actor: Actor) -> str | None:
    if event.path == "/slow":
        sleep(LONGEST_NS * 1.1 / 1e9)
    return None


@rule("T2", "A program of evil", score=9, needs=("exec",))
def evil(event: Executed, actor: Actor) -> str | None:
    return "evil" if event.path == "/evil" else None


PROFILE = Profile(WEB, COMPLETE, (), executed=(ExecutedProgram("/app", ("app",)),))


def test_a_rule_is_given_the_event_and_who_did_it_and_others_are_not_asked():
    detector = with_first_process(every)
    (found,) = detector.see(executed("/bin/busybox", arguments=("wget", "x")), WEB, "/bin/busybox")
    assert found.message == "wget after app"
    assert [one.path for one in found.chain] == ["/bin/busybox", "/app"]
    assert detector.see(Opened(5, 1, 9, 10, 1, 0, "wget", path="/x"), WEB, "/bin/busybox") == ()


def test_a_rule_about_what_is_new_waits_for_the_profile_and_leaves_out_what_entered_or_was_there():
    detector = with_first_process(new)
    assert detector.see(executed("/bin/sh"), WEB, "/bin/sh") == ()
    detector.baselines["c1"] = Baseline(PROFILE)
    assert [one.message for one in detector.see(executed("/bin/sh"), WEB, "")] == ["/bin/sh is new"]
    assert detector.see(executed("/app", pid=11), WEB, "") == ()
    assert detector.see(executed("/bin/sh", pid=12, parent=900), WEB, "") == (), "by kubectl exec"
    assert detector.see(executed("/bin/sh", pid=13, flags=SNAPSHOT), WEB, "") == ()


def test_a_container_that_shares_the_processes_of_its_pod_or_node_is_judged_as_others():
    detector = Detector([new])
    detector.see(executed("/app", pid=100, parent=90), WEB, "/app")
    detector.baselines["c1"] = Baseline(PROFILE)
    found = detector.see(executed("/bin/sh", pid=101, parent=100), WEB, "")
    assert [one.message for one in found] == ["/bin/sh is new"]
    assert detector.see(executed("/bin/sh", pid=102, parent=900), WEB, "") == (), "by kubectl exec"


def test_what_a_fork_does_belongs_to_the_process_that_it_is_a_fork_of():
    detector = with_first_process(every)
    by_fork = Executed(
        5, 1, 3, 12, 77, 0, "id", path="/bin/id", parent_exe_id=hash("/app"), parent_start_ns=4
    )
    (found,) = detector.see(by_fork, WEB, "/bin/id")
    assert found.message == "id after app"
    assert [one.pid for one in found.chain] == [12, 1]
    # Another process has got the number of one that ended.
    reused = Executed(5, 1, 3, 13, 12, 0, "id", path="/bin/id", parent_exe_id=99, parent_start_ns=9)
    (found,) = detector.see(reused, WEB, "/bin/id")
    assert [one.pid for one in found.chain] == [13]


@rule("T4", "Second argument", score=5, needs=("exec",))
def second(event: Executed, actor: Actor) -> str | None:
    return event.arguments[1]


@pytest.mark.parametrize("is_own", [False, True])
def test_a_rule_that_fails_costs_only_itself_is_named_and_asked_on(is_own: bool):
    """Else a container that starts a program without arguments again and again would turn the rule off."""
    detector = with_first_process(replace(second, is_own=is_own), every)
    for number in range(50):
        assert len(detector.see(executed("/bin/nc", pid=number + 10), WEB, "")) == 1
    assert detector.failures == {"T4": 51}
    assert detector.why == {"T4": "IndexError: tuple index out of range"}
    assert detector.slow == {}
    found = detector.see(executed("/bin/nc", arguments=("nc", "-e")), WEB, "")
    assert ("T4", "-e") in [(one.rule, one.message) for one in found]


def test_a_rule_with_other_arguments_is_refused():
    with pytest.raises(TypeError, match="T9"):

        @rule("T9", "Wrong", score=1, needs=())
        def wrong(event: str, actor: Actor) -> str | None: ...


def test_alerts_are_given_once_and_counted_and_given_again_with_their_count():
    detector = with_first_process(every)
    grouping = Grouping({"T1": every})
    alerts = []
    for number in range(100):
        for found in detector.see(executed("/bin/sh", pid=number + 10), WEB, "/bin/sh"):
            alerts.append(grouping.take(found, 1000.0 + number))
    first, *others = alerts
    assert first is not None
    assert (first.container, first.count) == (WEB, 1)
    assert set(others) == {None}
    (update,) = grouping.updates(1100.0)
    assert (update.id, update.count, update.first_s, update.last_s) == (first.id, 100, 1000.0, 1099.0)
    assert grouping.updates(2000.0) == []
    (again,) = detector.see(executed("/bin/sh"), WEB, "/bin/sh")
    assert grouping.take(again, 1099.0 + SILENT_S) is not None


def test_a_flood_is_bounded_and_counted():
    detector = with_first_process(every)
    grouping = Grouping({"T1": every})
    given = 0
    for number in range(1000):
        for found in detector.see(executed(f"/tmp/{number}"), WEB, f"/tmp/{number}"):
            given += grouping.take(found, 6000.0) is not None
    assert given == MOST_PER_MINUTE
    assert grouping.withheld == {"T1": 1000 - MOST_PER_MINUTE}
    assert grouping.total == {"T1": 1000}
    # Where they are read it is said too: the last that was given says how many there were beyond it.
    (last,) = grouping.updates(6060.0)
    assert (last.program, last.withheld) == (f"/tmp/{MOST_PER_MINUTE - 1}", 1000 - MOST_PER_MINUTE)
    assert grouping.updates(6200.0) == []


def test_a_process_that_has_the_number_of_another_by_now_is_not_taken_for_it():
    """As of busybox in one container: sleep ended, and a fork of httpd, whose parent is another, got its number."""
    detector = with_first_process()
    for pid, parent, word in ((20, 1, "httpd"), (21, 1, "sh"), (22, 21, "sleep")):
        detector.see(executed("/bin/busybox", pid=pid, parent=parent, arguments=(word,)), WEB, "/bin/busybox")
    actor = detector._actor
    fork = Opened(9, 1, hash("/bin/busybox"), 22, 20, 0, "httpd", path="/x")
    actor.take(fork, WEB, "/bin/busybox")
    assert (actor.tool, actor.arguments) == ("httpd", ())
    orphan = Opened(9, 1, hash("/bin/busybox"), 22, 1, 0, "sleep", path="/x")
    actor.take(orphan, WEB, "/bin/busybox")
    assert (actor.tool, actor.arguments) == ("sleep", ("sleep",))


def test_own_rules_are_replaced_and_what_was_slow_begins_anew():
    detector = with_first_process(every, replace(fails, is_own=True), replace(slow, is_own=True))
    detector.see(executed("/slow"), WEB, "/slow")
    assert list(detector.slow) == ["T5"]
    detector.take_own([replace(fails, is_own=True), replace(slow, is_own=True)])
    assert (detector.slow, dict(detector.failures), detector.why) == ({}, {}, {})
    detector.see(executed("/x"), WEB, "/x")
    assert (dict(detector.failures), dict(detector.unasked)) == ({"T3": 1}, {})
    detector.take_own([])
    assert [one.id for one in detector.rules] == ["T1"]


@rule("T6", "A little slow", score=5, needs=("exec",))
def a_little_slow(event: Executed, actor: Actor) -> str | None:
    if event.path == "/wait":
        sleep(0.05)
    end_ns = thread_time_ns() + (100 * FREE_NS if event.path == "/work" else 0)
    while thread_time_ns() < end_ns:
        pass
    return None


@pytest.mark.parametrize("path", ["/work", "/wait"])
def test_a_rule_that_is_a_little_slow_again_and_again_is_left_out_in_the_end(path: str):
    """By work of its own, or since it waits for something."""
    detector = with_first_process(replace(a_little_slow, is_own=True))
    events = 0
    while not detector.slow:
        for one in (path, "/quick"):
            detector.see(executed(one), WEB, one)
        events += 1
        assert events < 50
    assert events > 2


def test_a_container_that_makes_an_own_rule_slow_takes_it_from_no_other_and_leaves_a_trace():
    detector = with_first_process(replace(slow, is_own=True), replace(evil, is_own=True))
    other = Container("c2", name="main", namespace="bank", pod="vault")
    found = detector.see(executed("/slow"), other, "/slow")
    assert [(one.rule, one.container.id, one.message) for one in found] == [("T5", "c2", NOT_JUDGED)]
    assert "of bank/vault/main, and is not asked about that container for 60 s" in detector.slow["T5"]
    # The other rules are asked about it, and this one about others.
    assert [one.rule for one in detector.see(executed("/evil"), other, "/evil")] == ["T2"]
    assert detector.unasked == {"T5": 1}
    detector.see(executed("/x"), WEB, "/x")
    assert detector.unasked == {"T5": 1}
    assert detector.slowness.resting(perf_counter_ns()) == {"T5": 1}


def test_who_floods_one_rule_does_not_silence_another():
    detector = with_first_process(every, evil)
    grouping = Grouping({"T1": every, "T2": evil})
    for number in range(1000):
        for found in detector.see(executed(f"/tmp/{number}"), WEB, f"/tmp/{number}"):
            grouping.take(found, 6000.0)
    given = [grouping.take(found, 6000.0) for found in detector.see(executed("/evil"), WEB, "/evil")]
    assert [one.rule for one in given if one is not None] == ["T2"]


def test_a_waiver_that_ends_or_is_about_another_image_accepts_no_more():
    detector = with_first_process(every)
    accepted: set[str] = {"shop/web:1"}

    def accepting(alert: Alert) -> Alert:
        return replace(alert, accepted=Accepted("known")) if alert.container.image in accepted else alert

    def came(image: str, at_s: float) -> Alert | None:
        (found,) = detector.see(executed("/bin/sh"), replace(WEB, image=image), "/bin/sh")
        return grouping.take(found, at_s)

    grouping = Grouping({"T1": every}, accepting)
    first = came("shop/web:1", 1000.0)
    assert first is not None
    assert first.accepted is not None
    assert came("shop/web:1", 1001.0) is None
    other = came("evil/web:1", 1002.0)
    assert other is not None
    assert (other.accepted, other.container.image, other.count) == (None, "evil/web:1", 3)
    assert came("shop/web:1", 1003.0) is None
    assert [one.accepted for one in grouping.updates(2000.0)] == [None]
    grouping = Grouping({"T1": every}, accepting)
    came("shop/web:1", 1000.0)
    accepted.clear()
    ended = came("shop/web:1", 1001.0)
    assert ended is not None
    assert ended.accepted is None


def test_an_operator_in_python_may_ask_the_api_server_and_a_python_that_it_starts_may_not():
    python = "/usr/bin/python3"
    detector = Detector([cluster_api])
    detector.see(executed(python, pid=1, parent=0, flags=FIRST_PROCESS), WEB, python)
    asks = TlsStarted(9, 1, hash(python), 1, 0, 0, "python3", OUTGOING, server_name="kubernetes.default.svc")
    worker = replace(asks, pid=30, parent_pid=1)
    assert [detector.see(one, WEB, python) for one in (asks, worker)] == [(), ()]
    started = executed(python, pid=40, parent=1, arguments=("python3", "-c", "x"))
    detector.see(started, WEB, python)
    (found,) = detector.see(replace(asks, pid=40, parent_pid=1), WEB, python)
    assert found.message == "python3 asked the API server kubernetes.default.svc"
