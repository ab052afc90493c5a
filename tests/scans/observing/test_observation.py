"""Events find their containers, profiles say what they lack, and hours pass in no time: the clock is an argument."""

from collections.abc import Mapping

from replayed import SECOND, Replayed, head, started

from leadline.model.container import Container
from leadline.model.event import SNAPSHOT, Connected, Exited, Forked, Opened, Resolved
from leadline.model.profile import OpenedFile, Profile
from leadline.runtime.completeness import is_complete, is_exact
from leadline.scans.images.loaded import is_loading_complete
from leadline.scans.observing.observation import MOST_WAITING, Observation, ObserveSettings
from leadline.sources.ebpf.event_source import KernelContainer

HOUR = 3600 * SECOND


def test_events_are_of_the_container_that_their_namespace_was_started_in():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [
        started(1, 5, "one"),
        Opened(*head(2, 5), "/a"),
        started(3, 6, "two"),
        Opened(*head(4, 6), "/b"),
    ]
    seen = [(event.at_ns, container.id) for event, container in observation.read(4) if container]
    assert seen == [(1, "one"), (2, "one"), (3, "two"), (4, "two")]


def test_a_namespace_that_a_container_makes_for_itself_is_still_the_container():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [
        started(1, 5, "one"),
        Forked(*head(2, 5), child_pid=9, child_ns_id=8),
        Opened(*head(3, 8), "/etc/shadow"),
    ]
    assert [container.id for _, container in observation.read(3) if container] == ["one", "one", "one"]


def test_events_that_come_before_their_container_wait_and_are_counted():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [Opened(*head(1, 5), "/a")]
    assert observation.read(1) == []
    assert observation.late == {"opened": 1}
    source.next = [started(2, 5, "one", SNAPSHOT)]
    assert [event.at_ns for event, _ in observation.read(2)] == [1, 2]


def test_events_that_nothing_is_known_of_are_given_up_and_counted():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [Opened(*head(1, 5), "/a")]
    observation.read(1)
    observation.read(11 * SECOND)
    assert observation.tend() == []
    assert observation.nameless == {"opened": 1}
    assert source.forgotten == [5]


def test_what_waits_is_bounded():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [Opened(*head(1, 5), "/a")] * (MOST_WAITING + 7)
    observation.read(1)
    assert observation.nameless == {"opened": 7}


def test_events_wait_for_names_until_they_are_there_or_late():
    names: dict[str, Container] = {}
    source = Replayed()
    observation = named_by(names, source)
    source.next = [started(1, 5, "one"), started(1, 6, "two")]
    assert observation.read(1) == []
    names["one"] = Container("one", name="web")
    assert [container.name for _, container in observation.read(2) if container] == ["web"]
    assert [container for _, container in observation.read(6 * SECOND)] == [Container("two")]


def named_by(names: Mapping[str, Container], source: Replayed) -> Observation:
    def details(container: Container) -> tuple[Container, bool]:
        return names.get(container.id, container), container.id in names

    return Observation(source, ObserveSettings(), details)


def test_names_that_come_after_the_first_events_name_the_later_ones_and_the_profile():
    names: dict[str, Container] = {}
    source = Replayed()
    observation = named_by(names, source)
    source.next = [started(1, 5, "one"), Forked(*head(2, 5), child_pid=9, child_ns_id=8)]
    observation.read(1)
    assert {container for _, container in observation.read(6 * SECOND)} == {Container("one")}
    web = names["one"] = Container("one", name="web")
    observation.tend()
    source.next = [Opened(*head(7 * SECOND, 5), "/a"), Opened(*head(7 * SECOND, 8), "/b")]
    assert [container for _, container in observation.read(7 * SECOND)] == [web, web]
    assert [one.container for one in observation.profiles()] == [web]


def test_what_is_known_at_the_end_names_the_events_that_still_wait():
    source = Replayed()
    partly = Container("one", pod="web-1")
    observation = Observation(source, ObserveSettings(), lambda container: (partly, False))
    source.next = [started(1, 5, "one")]
    assert observation.read(1) == []
    assert [container for _, container in observation.flush()] == [partly]


def test_events_that_came_before_their_container_follow_at_once_and_in_order():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [Opened(*head(1, 5), "/a")]
    observation.read(1)
    source.next = [started(2, 5, "one"), Opened(*head(3, 5), "/b")]
    assert [event.at_ns for event, _ in observation.read(3)] == [1, 2, 3]


def test_a_profile_is_partial_where_events_waited_in_vain():
    source = Replayed()
    observation = named_by({}, source)
    source.next = [started(1, 5, "one"), *([Opened(*head(1, 5), "/a")] * MOST_WAITING)]
    observation.read(1)
    observation.read(6 * SECOND)
    (profile,) = observation.profiles()
    assert (profile.completion, profile.reasons) == ("partial", ("records were lost",))
    assert observation.nameless == {"opened": 1}


def test_a_profile_says_why_it_is_partial():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [started(1, 5, "one"), started(1, 6, "two", SNAPSHOT), started(1, 7, "three")]
    source.rows = {7: KernelContainer(7, 1, False, 0, {"open": 3}, {"exec": 2})}
    observation.read(1)
    found = {one.container.id: one for one in observation.profiles()}
    assert (found["one"].completion, found["one"].reasons) == ("complete", ())
    assert found["two"].reasons == ("the container was started before the agent",)
    assert found["three"].reasons == (
        "more new things in a second than are recorded one by one",
        "records were lost",
    )
    assert (found["three"].lost, found["three"].collapsed) == ({"open": 3}, {"exec": 2})


def test_a_profile_is_partial_where_the_kernel_does_not_allow_a_probe():
    source = Replayed()
    source.working -= {"traffic"}
    observation = Observation(source, ObserveSettings())
    source.next = [started(1, 5, "one")]
    observation.read(1)
    (profile,) = observation.profiles()
    assert (profile.completion, profile.reasons) == ("partial", ("this kernel does not allow a probe",))


def test_a_kernel_that_does_not_tell_capabilities_costs_nothing_else():
    """Linux before 6.14."""
    source = Replayed()
    source.working -= {"capability"}
    observation = Observation(source, ObserveSettings())
    source.next = [started(1, 5, "one")]
    observation.read(1)
    (profile,) = observation.profiles()
    assert profile.reasons == ("this kernel does not say which capabilities are used",)
    assert is_complete(profile)
    assert is_exact(profile)
    assert is_loading_complete(profile)


def test_forty_eight_hours_are_learned_and_then_no_system_call_is_traced_any_more():
    source = Replayed()
    observation = Observation(source, ObserveSettings(learning_s=48 * 3600))
    source.rows = {5: KernelContainer(5, 1, False, 0, {}, {})}
    source.living = {5}
    source.used = {5: frozenset({"openat"})}
    for hour in range(60):
        now = hour * HOUR + SECOND
        source.next = [started(now, 5, "one"), Opened(*head(now, 5), f"/data/{hour}")]
        if hour == 50:
            source.used = {5: frozenset({"openat", "ptrace"})}
        observation.read(now)
        observation.tend()
    (profile,) = observation.profiles()
    assert profile.completion == "complete"
    assert [one.path for one in profile.opened] == [
        "/data/0",
        *sorted(f"/data/{hour}" for hour in range(1, 49)),
    ]
    assert profile.syscalls == ("openat",)
    assert source.learning == [False]
    source.next = [started(61 * HOUR, 6, "two")]
    observation.read(61 * HOUR)
    assert source.learning == [False, True]


def test_a_container_that_ended_makes_room_and_its_profile_stays():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [started(1, 5, "one"), Exited(*head(2, 5), code=3)]
    source.rows = {5: KernelContainer(5, 1, False, 0, {}, {})}
    observation.read(1)
    observation.read(60 * SECOND)
    observation.tend()
    observation.tend()
    assert source.forgotten[-1] == 5
    assert [one.container.id for one in observation.profiles()] == ["one"]


def test_names_of_peers_come_from_answers():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [
        started(1, 5, "one"),
        Resolved(*head(2, 5), name="shop.example", type="A"),
        Resolved(*head(3, 5), name="shop.example", type="A", code="NOERROR", addresses=("192.0.2.7",)),
        Resolved(*head(3, 5), name="gone.example", type="A"),
        Resolved(*head(3, 5), name="gone.example", type="A", code="NXDOMAIN"),
        Connected(*head(4, 5), direction="connects", address="192.0.2.7", port=443, protocol="TCP"),
    ]
    observation.read(4)
    (profile,) = observation.profiles()
    assert [(one.address, one.port, one.names) for one in profile.peers] == [
        ("192.0.2.7", 443, ("shop.example",))
    ]
    assert (profile.names, profile.failed_names) == (("shop.example",), ("gone.example",))


def test_processes_of_no_container_are_left_out_and_counted():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.next = [started(1, 5, "ssh.service")]
    assert observation.read(1) == []
    assert observation.nameless == {"executed": 1}


def profile_of(observation: Observation) -> Profile:
    (found,) = observation.profiles(booted_s=1000.0)
    return found


def restarted(before: Profile, written_s: float, hours: float = 24) -> tuple[Replayed, Observation]:
    source = Replayed()
    observation = Observation(source, ObserveSettings(learning_s=hours * 3600))
    observation.continue_with([before], written_s, booted_s=1000.0)
    return source, observation


def test_a_restarted_agent_continues_a_profile_and_says_that_it_was_away():
    source = Replayed()
    first = Observation(source, ObserveSettings())
    source.next = [started(SECOND, 5, "one"), Opened(*head(2 * SECOND, 5), "/before")]
    first.read(2 * SECOND)
    before = profile_of(first)
    assert before.completion == "complete"
    source, second = restarted(before, 1100.0)
    assert profile_of(second) == before
    source.next = [started(200 * SECOND, 5, "one", SNAPSHOT), Opened(*head(201 * SECOND, 5), "/after")]
    second.read(201 * SECOND)
    after = profile_of(second)
    assert [one.path for one in after.opened] == ["/after", "/before"]
    assert (after.completion, after.reasons) == ("partial", ("the agent did not run for a part of the time",))
    assert (after.since_s, after.until_s) == (1001.0, 1201.0)


def test_a_profile_whose_learning_was_over_stays_as_it_was():
    before = Profile(Container("one"), "complete", (), since_s=1001.0, until_s=1500.0)
    source, second = restarted(before, written_s=1001.0 + 3601, hours=1)
    source.next = [started(9000 * SECOND, 5, "one", SNAPSHOT), Opened(*head(9001 * SECOND, 5), "/after")]
    second.read(9001 * SECOND)
    second.tend()
    assert profile_of(second) == before


def test_learning_goes_on_from_its_beginning_before_the_restart():
    before = Profile(Container("one"), "complete", (), since_s=1000.0, until_s=1500.0)
    source, second = restarted(before, written_s=1500.0, hours=1)
    source.next = [started(3000 * SECOND, 5, "one", SNAPSHOT)]
    second.read(3000 * SECOND)
    second.tend()
    source.next = [Opened(*head(3500 * SECOND, 5), "/in-time")]
    second.read(3500 * SECOND)
    second.read(3700 * SECOND)
    second.tend()
    source.next = [Opened(*head(3800 * SECOND, 5), "/too-late")]
    second.read(3800 * SECOND)
    assert [one.path for one in profile_of(second).opened] == ["/in-time"]


def test_another_container_of_the_same_name_begins_a_profile_of_its_own():
    before = Profile(
        Container("one"), "complete", (), opened=(OpenedFile("/before", ("O_RDONLY",)),), since_s=1.0
    )
    source, second = restarted(before, 1100.0)
    source.next = [started(200 * SECOND, 6, "one")]
    second.read(200 * SECOND)
    assert (profile_of(second).opened, profile_of(second).completion) == ((), "complete")


def test_what_is_lost_collapsed_or_late_is_counted_by_container():
    source = Replayed()
    observation = Observation(source, ObserveSettings())
    source.rows = {
        5: KernelContainer(5, 1, False, 0, {"open": 3}, {"exec": 2}),
        9: KernelContainer(9, 1, False, 0, {"open": 1}, {}),
    }
    source.next = [Opened(*head(1, 5), "/a"), started(2, 5, "one")]
    observation.read(2)
    assert [(one.id, *rest) for one, *rest in observation.counts_of_containers()] == [
        ("one", "open", "lost", 3),
        ("one", "exec", "collapsed", 2),
        ("one", "opened", "late", 1),
    ]
    observation.read(60 * SECOND)
    observation.tend()
    observation.tend()
    source.rows = {}
    assert list(observation.counts_of_containers()) == []
